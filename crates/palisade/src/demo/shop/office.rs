//! What machines ask for: health, the app's configuration, what partners get, and an export that
//! nobody was to find.

use serde_json::{Value, json};

use super::{Call, Reply};

pub(super) fn health(_: &Call<'_>) -> Reply {
    Reply::ok(json!({ "status": "up" }))
}

/// The flaw: the key with which the app loads pictures into the cloud is in everybody's hands.
pub(super) fn app_config(call: &Call<'_>) -> Reply {
    Reply::ok(json!({
        "support": { "email": "service@shop.example", "phone": "+44 20 7946 0100" },
        "features": { "wishlist": true, "dark_mode": false },
        "uploads": { "region": "eu-west-2", "access_key": call.world().cloud_key },
    }))
}

pub(super) fn feed(call: &Call<'_>) -> Reply {
    let lines: Vec<Value> = call
        .world()
        .products
        .iter()
        .take(40)
        .map(|product| json!({ "id": product.id, "cents": product.cents }))
        .collect();
    let partner = call.partner.and_then(|index| call.world().partners.get(index));
    Reply::ok(json!({ "for": partner.map(|partner| partner.name), "lines": lines }))
}

pub(super) fn stock(call: &Call<'_>) -> Reply {
    Reply::ok(json!({ "id": call.capture(0), "available": call.body["available"] }))
}

/// The flaw: the key is asked for in the contract only.
pub(super) fn export(call: &Call<'_>) -> Reply {
    let id: Option<usize> = call.capture(0).parse().ok();
    match id.filter(|id| call.world().exports.contains(id)) {
        Some(id) => Reply::ok(json!({ "id": id, "turnover_cents": id * 913, "orders": id % 97 })),
        None => Reply::problem(404, "no such export"),
    }
}

/// The flaw: somebody needed this for a week, two years ago.
pub(super) fn internal_export(call: &Call<'_>) -> Reply {
    let rows: Vec<Value> = call
        .world()
        .customers
        .iter()
        .take(30)
        .flat_map(|customer| &customer.orders)
        .map(|order| json!({ "order": order, "status": "paid" }))
        .collect();
    Reply::ok(json!({ "rows": rows }))
}
