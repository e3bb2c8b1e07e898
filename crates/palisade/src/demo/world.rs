//! What shop and visitors both know: customers, products, partners; drawn from the seed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::random::Random;

/// Customers of the shop: those who come by, and some more.
const CUSTOMERS: usize = 1_200;
const PRODUCTS: usize = 260;
/// Products that are gone and that search engines still know.
const RETIRED: usize = 90;

const FIRST_NAMES: &[&str] = &[
    "Amara", "Bruno", "Carla", "Daniel", "Elif", "Farid", "Grace", "Henrik", "Ines", "Jonas",
    "Keiko", "Lukas", "Mara", "Nadia", "Oscar", "Priya", "Quentin", "Rosa", "Samuel", "Tanja",
    "Umar", "Vera", "Walid", "Yara",
];
const LAST_NAMES: &[&str] = &[
    "Albrecht",
    "Bergmann",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Hoffmann",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindgren",
    "Moreau",
    "Novak",
    "Okafor",
    "Petersen",
    "Romano",
    "Schneider",
    "Tanaka",
    "Urban",
    "Varga",
    "Weber",
    "Yilmaz",
    "Zimmermann",
];
const STREETS: &[&str] = &["Mill Lane", "Station Road", "Harbour Street", "Park Avenue"];
const CITIES: &[&str] = &["Leeds", "Bristol", "Cardiff", "Glasgow", "Norwich", "Exeter"];
const MAKES: &[&str] = &["Oak", "Steel", "Linen", "Walnut", "Copper", "Wool", "Glass", "Cork"];
const THINGS: &[&str] =
    &["chair", "lamp", "kettle", "blanket", "shelf", "mirror", "basket", "clock", "stool", "vase"];
/// The categories, as the catalogue's paths name them.
pub(super) const CATEGORIES: &[&str] =
    &["furniture", "lighting", "kitchen", "textiles", "storage", "decoration"];
const OPINIONS: &[&str] = &[
    "Looks better than in the picture.",
    "Solid, and delivered on time.",
    "A little smaller than I thought.",
    "Would buy it again.",
    "The colour is not quite what I expected.",
];

/// Everything that is the case before the first visitor comes.
#[derive(Debug)]
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) customers: Vec<Customer>,
    pub(super) products: Vec<Product>,
    pub(super) retired: Vec<String>,
    pub(super) partners: Vec<Partner>,
    pub(super) exports: Vec<usize>,
    /// The cloud key that the app's configuration gives away. Made here, letter by letter, so
    /// that nothing in the source looks like a secret.
    pub(super) cloud_key: String,
}

/// Somebody with an account.
#[derive(Debug)]
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) password: String,
    pub(super) street: String,
    pub(super) city: &'static str,
    /// What apps get at the login, and what they get for it later.
    pub(super) tokens: [String; 2],
    /// What browsers get at the login.
    pub(super) session: String,
    /// Orders from before the demo.
    pub(super) orders: Vec<String>,
}

/// Something for sale.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) category: &'static str,
    pub(super) cents: usize,
    pub(super) reviews: Vec<Review>,
}

/// What a customer said of a product.
#[derive(Debug)]
pub(super) struct Review {
    pub(super) author: usize,
    pub(super) rating: usize,
    pub(super) text: &'static str,
}

/// Another company that sells the shop's products.
#[derive(Debug)]
pub(super) struct Partner {
    pub(super) name: &'static str,
    pub(super) key: String,
}

impl World {
    /// The world of this seed.
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::stream(seed, "world", 0);
        let customers: Vec<Customer> =
            (0..CUSTOMERS).map(|number| customer(seed, number)).collect();
        let products = (0..PRODUCTS).map(|number| product(seed, number)).collect();
        let retired = (0..RETIRED).map(|_| product_id(&mut random)).collect();
        let partners = ["northwind", "fabrikam"]
            .map(|name| Partner { name, key: format!("{name}-{}", random.code(28)) });
        let exports = (0..12).map(|number| 48_200 + number * 7).collect();
        let upper = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let rest: String = (0..16).map(|_| char::from(*random.pick(upper))).collect();
        let cloud_key = ["AK", "IA", &rest].concat();
        Self { seed, customers, products, retired, partners: partners.into(), exports, cloud_key }
    }
}

fn customer(seed: u64, number: usize) -> Customer {
    let mut random = Random::stream(seed, "customer", number);
    let (first, last) = (random.word(FIRST_NAMES), random.word(LAST_NAMES));
    let id = random.uuid();
    let tokens = [1, 2].map(|generation| token(&mut random, &id, generation));
    Customer {
        name: format!("{first} {last}"),
        email: format!("{first}.{last}{number}@posthorn.eu").to_lowercase(),
        // the range that the British regulator keeps free for plays
        phone: format!("+44 20 7946 0{:03}", random.below(1_000)),
        password: format!("{}-{}", random.code(6), random.code(6)),
        street: format!("{} {}", random.within(1..140), random.word(STREETS)),
        city: random.word(CITIES),
        tokens,
        session: random.code(32),
        orders: (0..random.within(1..4)).map(|_| random.uuid()).collect(),
        id,
    }
}

/// A JSON Web Token whose signature means nothing: the shop knows its tokens by heart.
fn token(random: &mut Random, subject: &str, generation: usize) -> String {
    let header = r#"{"alg":"RS256","typ":"JWT"}"#;
    let payload =
        format!(r#"{{"iss":"shop","sub":"{subject}","gen":{generation},"exp":4102444800}}"#);
    let signature = random.code(64);
    [header, &payload, &signature].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

fn product_id(random: &mut Random) -> String {
    // a digit in front, so that every one of them looks like an id
    format!("prd_{}{}", random.within(2..10), random.code(9))
}

fn product(seed: u64, number: usize) -> Product {
    let mut random = Random::stream(seed, "product", number);
    let reviews = (0..random.within(1..6)).map(|_| Review {
        author: random.below(CUSTOMERS),
        rating: random.within(2..6),
        text: random.word(OPINIONS),
    });
    let reviews = reviews.collect();
    Product {
        id: product_id(&mut random),
        title: format!("{} {}", random.word(MAKES), random.word(THINGS)),
        category: random.word(CATEGORIES),
        cents: random.within(900..48_000),
        reviews,
    }
}
