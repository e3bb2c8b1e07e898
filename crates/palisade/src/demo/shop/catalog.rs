//! What anybody may look at: categories, products, reviews, the price of shipping.

use serde_json::{Value, json};

use super::super::world::{CATEGORIES, Product};
use super::{Call, Reply};

/// Products on a page.
const PAGE: usize = 24;

pub(super) fn categories(_: &Call<'_>) -> Reply {
    let names: Vec<Value> = CATEGORIES.iter().map(|slug| json!({ "slug": slug })).collect();
    Reply::ok(json!({ "categories": names }))
}

pub(super) fn category(call: &Call<'_>) -> Reply {
    let Some(slug) = CATEGORIES.iter().find(|slug| **slug == call.capture(0)) else {
        return Reply::problem(404, "no such category");
    };
    let count = call.world().products.iter().filter(|product| product.category == *slug).count();
    Reply::ok(json!({ "slug": slug, "products": count }))
}

pub(super) fn suggestions(call: &Call<'_>) -> Reply {
    let typed = call.parameter("q").unwrap_or_default().to_ascii_lowercase();
    let mut titles: Vec<&str> = call
        .world()
        .products
        .iter()
        .map(|product| product.title.as_str())
        .filter(|title| title.to_ascii_lowercase().contains(&typed))
        .collect();
    titles.sort_unstable();
    titles.dedup();
    titles.truncate(6);
    Reply::ok(json!({ "suggestions": titles }))
}

fn card(product: &Product) -> Value {
    json!({
        "id": product.id,
        "title": product.title,
        "category": product.category,
        "price": { "cents": product.cents, "currency": "GBP" },
    })
}

/// A page of the catalogue. The token of a page is where it begins.
pub(super) fn products(call: &Call<'_>) -> Reply {
    let limit = call.parameter("limit").and_then(|text| text.parse().ok()).unwrap_or(PAGE);
    let page = call.parameter("page_token").and_then(|token| token.strip_prefix("after-"));
    let start: usize = page.and_then(|text| text.parse().ok()).unwrap_or(0);
    let category = call.parameter("category");
    let mut found = call
        .world()
        .products
        .iter()
        .filter(|product| category.is_none_or(|category| product.category == category))
        .skip(start);
    let cards: Vec<Value> = found.by_ref().take(limit).map(card).collect();
    let next = found.next().map(|_| format!("after-{}", start + limit));
    Reply::ok(json!({ "products": cards, "next_page_token": next }))
}

fn find<'c>(call: &'c Call<'_>) -> Option<&'c Product> {
    call.world().products.iter().find(|product| product.id == call.capture(0))
}

pub(super) fn product(call: &Call<'_>) -> Reply {
    let Some(product) = find(call) else { return Reply::problem(404, "no such product") };
    let mut page = card(product);
    page["description"] = json!("Made to last, from materials that age well.");
    page["in_stock"] = json!(product.cents % 7 != 0);
    Reply::ok(page)
}

/// The flaw: whoever serialises the author's account here tells everybody how to reach them.
pub(super) fn reviews(call: &Call<'_>) -> Reply {
    let Some(product) = find(call) else { return Reply::problem(404, "no such product") };
    let reviews: Vec<Value> = product
        .reviews
        .iter()
        .filter_map(|review| {
            let author = call.world().customers.get(review.author)?;
            Some(json!({
                "rating": review.rating,
                "text": review.text,
                "author": { "email": author.email, "phone": author.phone },
            }))
        })
        .collect();
    Reply::ok(json!({ "reviews": reviews }))
}

pub(super) fn write_review(call: &Call<'_>) -> Reply {
    match find(call) {
        Some(_) => Reply::with(201, json!({ "status": "waiting for approval" })),
        None => Reply::problem(404, "no such product"),
    }
}

/// The flaw: a postcode that is no number brings the server's insides to light.
pub(super) fn quote(call: &Call<'_>) -> Reply {
    let postcode = call.parameter("postcode").unwrap_or_default();
    let Ok(zone) = postcode.parse::<usize>() else {
        return Reply::with(500, json!({ "error": "internal error", "trace": TRACE }));
    };
    let grams: usize = call.parameter("grams").and_then(|text| text.parse().ok()).unwrap_or(0);
    Reply::ok(json!({ "cents": 390 + grams / 10 + zone % 7 * 25, "days": 2 + zone % 3 }))
}

const TRACE: &str = "java.lang.NumberFormatException: not a number\n\
    \tat java.base/java.lang.Integer.parseInt(Integer.java:668)\n\
    \tat example.shop.shipping.Zones.of(Zones.java:41)\n\
    \tat example.shop.shipping.QuoteController.quote(QuoteController.java:27)";
