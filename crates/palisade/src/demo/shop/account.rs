//! What belongs to a customer: profile, cart, orders, payments.

use serde_json::{Value, json};

use super::super::random::Random;
use super::super::world::Customer;
use super::{Call, Reply};

/// What has happened to a customer since the shop opened.
#[derive(Debug, Default)]
pub(super) struct Account {
    items: Vec<Item>,
    items_ever: usize,
    orders: Vec<String>,
    payments: Vec<String>,
    /// Orders whose payment has failed once: the next attempt succeeds.
    failed: Vec<String>,
    newsletter: bool,
}

#[derive(Debug)]
struct Item {
    id: usize,
    product: String,
    quantity: u64,
}

/// The customer that the door has let in.
fn me<'c>(call: &'c Call<'_>) -> (usize, &'c Customer) {
    let index = call.customer.unwrap_or_default();
    (index, &call.world().customers[index])
}

/// Issues a token for apps and a cookie for browsers, for the right password.
pub(super) fn login(call: &Call<'_>) -> Reply {
    let (email, password) = (call.body["email"].as_str(), call.body["password"].as_str());
    let customer = call.world().customers.iter().find(|customer| {
        Some(customer.email.as_str()) == email && Some(customer.password.as_str()) == password
    });
    match customer {
        Some(customer) => Reply::ok(issued(customer, 0)).field(
            "set-cookie",
            format!("sid={}; Path=/; Secure; HttpOnly; SameSite=Lax", customer.session),
        ),
        None => Reply::problem(401, "wrong email or password"),
    }
}

fn issued(customer: &Customer, generation: usize) -> Value {
    json!({
        "access_token": customer.tokens[generation],
        "token_type": "Bearer",
        "expires_in": 900,
    })
}

pub(super) fn refresh(call: &Call<'_>) -> Reply {
    Reply::ok(issued(me(call).1, 1))
}

/// Also answers changes of the profile: with the profile as it is now.
pub(super) fn profile(call: &Call<'_>) -> Reply {
    let (index, customer) = me(call);
    let newsletter = call.account(index, |account| {
        account.newsletter = call.body["newsletter"].as_bool().unwrap_or(account.newsletter);
        account.newsletter
    });
    Reply::ok(json!({
        "id": customer.id,
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone,
        "newsletter": newsletter,
    }))
}

pub(super) fn cart(call: &Call<'_>) -> Reply {
    let items =
        call.account(me(call).0, |account| account.items.iter().map(shown).collect::<Vec<_>>());
    Reply::ok(json!({ "items": items }))
}

fn shown(item: &Item) -> Value {
    json!({ "item_id": item.id, "product_id": item.product, "quantity": item.quantity })
}

/// Lenient, as servers are: takes a quantity that came as text.
pub(super) fn add_item(call: &Call<'_>) -> Reply {
    let quantity = &call.body["quantity"];
    let text = quantity.as_str().and_then(|text| text.parse().ok());
    let (Some(quantity), Some(product)) =
        (quantity.as_u64().or(text), call.body["product_id"].as_str())
    else {
        return Reply::problem(400, "what, and how many?");
    };
    let (index, _) = me(call);
    let item = call.account(index, |account| {
        account.items_ever += 1;
        let id = 700_000 + index * 100 + account.items_ever;
        account.items.push(Item { id, product: product.to_owned(), quantity });
        account.items.last().map(shown)
    });
    Reply::with(201, json!({ "added": item }))
}

pub(super) fn remove_item(call: &Call<'_>) -> Reply {
    let id: Option<usize> = call.capture(0).parse().ok();
    let removed = call.account(me(call).0, |account| {
        let before = account.items.len();
        account.items.retain(|item| Some(item.id) != id);
        account.items.len() < before
    });
    if removed == Some(true) { Reply::empty() } else { Reply::problem(404, "not in the cart") }
}

/// All orders of the caller, older ones first.
fn orders_of(call: &Call<'_>) -> Vec<String> {
    let (index, customer) = me(call);
    let newer = call.account(index, |account| account.orders.clone()).unwrap_or_default();
    customer.orders.iter().cloned().chain(newer).collect()
}

pub(super) fn orders(call: &Call<'_>) -> Reply {
    let orders: Vec<Value> =
        orders_of(call).into_iter().map(|id| json!({ "id": id, "status": "paid" })).collect();
    Reply::ok(json!({ "orders": orders }))
}

pub(super) fn place_order(call: &Call<'_>) -> Reply {
    let (index, _) = me(call);
    let seed = call.world().seed;
    let placed = call.account(index, |account| {
        if account.items.is_empty() {
            return None;
        }
        account.items.clear();
        let number = index * 1_000 + account.orders.len();
        let id = Random::stream(seed, "order", number).uuid();
        account.orders.push(id.clone());
        Some(id)
    });
    match placed.flatten() {
        Some(id) => Reply::with(201, json!({ "id": id, "status": "unpaid", "cents": 4_900 })),
        None => Reply::problem(409, "the cart is empty"),
    }
}

pub(super) fn order(call: &Call<'_>) -> Reply {
    let id = call.capture(0);
    if !orders_of(call).iter().any(|order| order == id) {
        return Reply::problem(404, "no such order");
    }
    let (_, customer) = me(call);
    Reply::ok(json!({
        "id": id,
        "status": "paid",
        "cents": 4_900,
        "ship_to": { "name": customer.name, "street": customer.street, "city": customer.city },
    }))
}

/// The flaw: the links in mails work without signing in, so nobody is asked at all.
pub(super) fn tracking(call: &Call<'_>) -> Reply {
    Reply::ok(json!({ "order": call.capture(0), "status": "on its way", "stops_left": 4 }))
}

pub(super) fn cancel(call: &Call<'_>) -> Reply {
    let id = call.capture(0);
    if orders_of(call).iter().any(|order| order == id) {
        Reply::ok(json!({ "id": id, "status": "cancelled" }))
    } else {
        Reply::problem(404, "no such order")
    }
}

/// One order in sixteen meets a bank that is busy: an error, and an honest one.
pub(super) fn pay(call: &Call<'_>) -> Reply {
    let Some(order) = call.body["order_id"].as_str() else {
        return Reply::problem(400, "which order?");
    };
    let (index, _) = me(call);
    let seed = call.world().seed;
    let paid = call.account(index, |account| {
        if order.starts_with('7') && !account.failed.iter().any(|failed| failed == order) {
            account.failed.push(order.to_owned());
            return None;
        }
        let number = index * 1_000 + account.payments.len();
        let id = format!("pay_4{}", Random::stream(seed, "payment", number).code(13));
        account.payments.push(id.clone());
        Some(id)
    });
    match paid.flatten() {
        Some(id) => Reply::with(201, json!({ "id": id, "order_id": order, "status": "done" })),
        None => Reply::problem(503, "the bank does not answer").field("retry-after", "2".into()),
    }
}

pub(super) fn payment(call: &Call<'_>) -> Reply {
    let id = call.capture(0);
    let mine = call.account(me(call).0, |account| account.payments.iter().any(|own| own == id));
    match mine {
        Some(true) => Reply::ok(json!({ "id": id, "status": "done" })),
        _ => Reply::problem(404, "no such payment"),
    }
}
