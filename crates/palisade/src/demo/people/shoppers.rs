//! People who shop: in browsers, with the app, with an app that is years old, and from links in
//! their mail.

use std::ops::Range;

use serde_json::json;

use super::super::world::CATEGORIES;
use super::visitor::{Credential, Visitor};

/// Seconds between two pages.
const READING: Range<usize> = 2..14;

/// What can be done next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Cart,
    Categories,
    Category,
    ChangeProfile,
    List,
    Order,
    Orders,
    Pages,
    Product,
    Profile,
    Quote,
    Remove,
    Review,
    Reviews,
    Suggest,
    Tracking,
}

const LOOKING: &[(usize, Step)] = &[
    (6, Step::Categories),
    (10, Step::Category),
    (18, Step::List),
    (6, Step::Pages),
    (30, Step::Product),
    (14, Step::Reviews),
    (12, Step::Suggest),
    (4, Step::Quote),
];

const SIGNED_IN: &[(usize, Step)] = &[
    (8, Step::Profile),
    (3, Step::ChangeProfile),
    (10, Step::Orders),
    (12, Step::Order),
    (8, Step::Tracking),
    (10, Step::Cart),
    (5, Step::Remove),
    (4, Step::Review),
    (20, Step::Product),
    (8, Step::Reviews),
    (10, Step::List),
];

/// Four postcodes of the old kind, and two of those that the shop has forgotten.
const POSTCODES: &[&str] = &["10115", "20095", "50667", "80331", "EC1A-1BB", "M1-1AE"];
const TYPED: &[&str] = &["oak", "lam", "ket", "wool", "gla", "chair", "st"];

/// Does one thing. `me` is the customer whose account the credential opens.
async fn step(visitor: &mut Visitor, step: Step, me: usize) -> anyhow::Result<()> {
    let world = visitor.world();
    let customer = &world.customers[me];
    let order = visitor.random.pick(&customer.orders).clone();
    let product = product(visitor);
    let category = visitor.random.word(CATEGORIES);
    let answer = match step {
        Step::Cart => visitor.get("/v1/cart").await,
        Step::Categories => visitor.get("/v1/categories").await,
        Step::Category => visitor.get(&format!("/v1/categories/{category}")).await,
        Step::ChangeProfile => {
            let wanted = visitor.random.chance(50);
            visitor.ask("PATCH", "/v1/me", Some(json!({ "newsletter": wanted }))).await
        }
        Step::List => visitor.get(&format!("/v1/products?category={category}&limit=24")).await,
        Step::Order => visitor.get(&format!("/v1/orders/{order}")).await,
        Step::Orders => visitor.get("/v1/orders").await,
        Step::Pages => return pages(visitor).await,
        Step::Product => visitor.get(&format!("/v1/products/{product}")).await,
        Step::Profile => visitor.get("/v1/me").await,
        Step::Quote => {
            let postcode = visitor.random.word(POSTCODES);
            let grams = visitor.random.within(200..9_000);
            visitor.get(&format!("/v1/shipping/quote?postcode={postcode}&grams={grams}")).await
        }
        Step::Remove => return change_of_mind(visitor).await,
        Step::Review => {
            let rating = visitor.random.within(1..6);
            let review = json!({ "rating": rating, "text": "Just what I was looking for." });
            visitor.post(&format!("/v1/products/{product}/reviews"), review).await
        }
        Step::Reviews => visitor.get(&format!("/v1/products/{product}/reviews")).await,
        Step::Suggest => {
            let typed = visitor.random.word(TYPED);
            visitor.get(&format!("/v1/search/suggestions?q={typed}")).await
        }
        Step::Tracking => visitor.get(&format!("/v1/orders/{order}/tracking")).await,
    };
    answer.map(|_| ())
}

/// A product; popular ones come first in the catalogue and more often here.
fn product(visitor: &mut Visitor) -> String {
    let world = visitor.world();
    let end = visitor.random.within(1..world.products.len() + 1);
    world.products[visitor.random.below(end)].id.clone()
}

/// Leafs through the catalogue by the tokens that the shop gives.
async fn pages(visitor: &mut Visitor) -> anyhow::Result<()> {
    let mut target = "/v1/products?limit=48".to_owned();
    for _ in 0..visitor.random.within(2..5) {
        let Some(token) = visitor.get(&target).await?.text("/next_page_token") else { break };
        target = format!("/v1/products?limit=48&page_token={token}");
        visitor.pause(READING).await;
    }
    Ok(())
}

/// Puts something into the cart and takes it out again.
async fn change_of_mind(visitor: &mut Visitor) -> anyhow::Result<()> {
    if let Some(item) = add(visitor, json!(1)).await? {
        visitor.pause(READING).await;
        visitor.ask("DELETE", &format!("/v1/cart/items/{item}"), None).await?;
    }
    Ok(())
}

async fn add(visitor: &mut Visitor, quantity: serde_json::Value) -> anyhow::Result<Option<u64>> {
    let item = json!({ "product_id": product(visitor), "quantity": quantity });
    Ok(visitor.post("/v1/cart/items", item).await?.number("/added/item_id"))
}

/// Some steps of a table, as long as the play lasts.
async fn stroll(
    visitor: &mut Visitor,
    table: &[(usize, Step)],
    steps: Range<usize>,
    me: usize,
) -> anyhow::Result<()> {
    for _ in 0..visitor.random.within(steps) {
        if visitor.is_over() {
            break;
        }
        let next = visitor.random.weighted(table);
        step(visitor, next, me).await?;
        visitor.pause(READING).await;
    }
    Ok(())
}

/// From the cart to the payment, with a second attempt where the bank is busy.
async fn buy(visitor: &mut Visitor) -> anyhow::Result<()> {
    for _ in 0..visitor.random.within(1..4) {
        let quantity = visitor.random.within(1..4);
        add(visitor, json!(quantity)).await?;
        visitor.pause(READING).await;
    }
    visitor.get("/v1/cart").await?;
    visitor.pause(READING).await;
    let placed = visitor.post("/v1/orders", json!({ "payment": "card" })).await?;
    let Some(order) = placed.text("/id") else { return Ok(()) };
    if visitor.random.chance(10) {
        visitor.pause(READING).await;
        visitor.ask("POST", &format!("/v1/orders/{order}/cancel"), None).await?;
        return Ok(());
    }
    let card = format!("card-of-{}", visitor.random.within(1_000..9_999));
    let payment = json!({ "order_id": order, "cents": 4_900, "card": card });
    let mut paid = visitor.post("/v1/payments", payment.clone()).await?;
    if paid.status == 503 {
        visitor.pause(2..4).await;
        paid = visitor.post("/v1/payments", payment).await?;
    }
    if let Some(id) = paid.text("/id") {
        visitor.get(&format!("/v1/payments/{id}")).await?;
    }
    visitor.pause(READING).await;
    visitor.get(&format!("/v1/orders/{order}")).await?;
    visitor.get(&format!("/v1/orders/{order}/tracking")).await?;
    Ok(())
}

/// Looks around, perhaps signs in, perhaps buys.
pub(super) async fn browser(visitor: &mut Visitor, me: usize) -> anyhow::Result<()> {
    if visitor.random.chance(30) {
        // the page asks who is there, and is told that nobody is
        visitor.get("/v1/me").await?;
    }
    stroll(visitor, LOOKING, 4..20, me).await?;
    if visitor.is_over() || visitor.random.chance(40) {
        return Ok(());
    }
    visitor.preflight("/v1/login").await?;
    let world = visitor.world();
    let customer = &world.customers[me];
    visitor.sign_in(customer).await?;
    visitor.credential = Credential::Session(customer.session.clone());
    visitor.get("/v1/me").await?;
    stroll(visitor, SIGNED_IN, 3..14, me).await?;
    if !visitor.is_over() && visitor.random.chance(55) {
        visitor.preflight("/v1/cart/items").await?;
        buy(visitor).await?;
    }
    Ok(())
}

/// Starts with its configuration, stays signed in, and asks for a new token in time.
pub(super) async fn app(visitor: &mut Visitor, me: usize) -> anyhow::Result<()> {
    visitor.get("/v1/app/config").await?;
    stroll(visitor, LOOKING, 1..8, me).await?;
    let world = visitor.world();
    let Some(token) = visitor.sign_in(&world.customers[me]).await? else { return Ok(()) };
    visitor.credential = Credential::Bearer(token);
    stroll(visitor, SIGNED_IN, 5..18, me).await?;
    if visitor.random.chance(40) {
        let renewed = visitor.ask("POST", "/v1/token/refresh", None).await?;
        if let Some(token) = renewed.text("/access_token") {
            visitor.credential = Credential::Bearer(token);
        }
        stroll(visitor, SIGNED_IN, 1..6, me).await?;
    }
    if !visitor.is_over() && visitor.random.chance(35) {
        buy(visitor).await?;
    }
    Ok(())
}

/// The fault: an app of long ago that sends quantities as text. It means no harm.
pub(super) async fn old_app(visitor: &mut Visitor, me: usize) -> anyhow::Result<()> {
    let world = visitor.world();
    let Some(token) = visitor.sign_in(&world.customers[me]).await? else { return Ok(()) };
    visitor.credential = Credential::Bearer(token);
    for _ in 0..visitor.random.within(3..7) {
        step(visitor, Step::Product, me).await?;
        visitor.pause(READING).await;
        add(visitor, json!("1")).await?;
        visitor.pause(READING).await;
    }
    visitor.get("/v1/cart").await?;
    Ok(())
}

/// Follows the link in a mail: no need to sign in, as it turns out.
pub(super) async fn link_follower(visitor: &mut Visitor) -> anyhow::Result<()> {
    let world = visitor.world();
    let customer = visitor.random.pick(&world.customers);
    let order = visitor.random.pick(&customer.orders);
    for _ in 0..visitor.random.within(1..4) {
        visitor.get(&format!("/v1/orders/{order}/tracking")).await?;
        visitor.pause(5..40).await;
    }
    Ok(())
}
