//! Which path leads where, and what the shop really asks for there.

use hyper::Method;
use hyper::http::request::Parts;
use serde_json::Value;

use super::{Call, Reply, Shop, account, catalog, office};

/// Which credential the shop really asks for: its contract may say otherwise.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Door {
    Open,
    Customer,
    Partner,
}

/// One operation.
struct Route {
    method: Method,
    template: &'static str,
    door: Door,
    answer: fn(&Call<'_>) -> Reply,
}

const fn route(
    method: Method,
    template: &'static str,
    door: Door,
    answer: fn(&Call<'_>) -> Reply,
) -> Route {
    Route { method, template, door, answer }
}

const ROUTES: &[Route] = &[
    route(Method::GET, "/health", Door::Open, office::health),
    route(Method::GET, "/v1/app/config", Door::Open, office::app_config),
    route(Method::POST, "/v1/login", Door::Open, account::login),
    route(Method::POST, "/v1/token/refresh", Door::Customer, account::refresh),
    route(Method::GET, "/v1/me", Door::Customer, account::profile),
    route(Method::PATCH, "/v1/me", Door::Customer, account::profile),
    route(Method::GET, "/v1/categories", Door::Open, catalog::categories),
    route(Method::GET, "/v1/categories/{}", Door::Open, catalog::category),
    route(Method::GET, "/v1/search/suggestions", Door::Open, catalog::suggestions),
    route(Method::GET, "/v1/products", Door::Open, catalog::products),
    route(Method::GET, "/v1/products/{}", Door::Open, catalog::product),
    // planted: who wrote a review is told to everybody
    route(Method::GET, "/v1/products/{}/reviews", Door::Open, catalog::reviews),
    route(Method::POST, "/v1/products/{}/reviews", Door::Customer, catalog::write_review),
    // planted: fails with a trace on postcodes that are no number
    route(Method::GET, "/v1/shipping/quote", Door::Open, catalog::quote),
    route(Method::GET, "/v1/cart", Door::Customer, account::cart),
    route(Method::POST, "/v1/cart/items", Door::Customer, account::add_item),
    route(Method::DELETE, "/v1/cart/items/{}", Door::Customer, account::remove_item),
    route(Method::GET, "/v1/orders", Door::Customer, account::orders),
    route(Method::POST, "/v1/orders", Door::Customer, account::place_order),
    route(Method::GET, "/v1/orders/{}", Door::Customer, account::order),
    // planted: nobody checks, though the contract demands a customer
    route(Method::GET, "/v1/orders/{}/tracking", Door::Open, account::tracking),
    route(Method::POST, "/v1/orders/{}/cancel", Door::Customer, account::cancel),
    route(Method::POST, "/v1/payments", Door::Customer, account::pay),
    route(Method::GET, "/v1/payments/{}", Door::Customer, account::payment),
    route(Method::GET, "/v1/partner/feed", Door::Partner, office::feed),
    route(Method::PUT, "/v1/partner/stock/{}", Door::Partner, office::stock),
    // planted: nobody checks, though the contract demands a partner's key
    route(Method::GET, "/v1/partner/exports/{}", Door::Open, office::export),
    // planted: not in the contract at all
    route(Method::GET, "/internal/export", Door::Open, office::internal_export),
];

/// Answers a request.
pub(super) fn answer(shop: &Shop, head: &Parts, body: &Value) -> Reply {
    let path = head.uri.path();
    let query = head.uri.query().unwrap_or_default();
    // what a resource says of itself, without its body
    let method = if head.method == Method::HEAD { &Method::GET } else { &head.method };
    let mut known = false;
    for route in ROUTES {
        let Some(captures) = captures(route.template, path) else { continue };
        known = true;
        if route.method != *method {
            continue;
        }
        let customer = customer(shop, head);
        let partner = partner(shop, head, query);
        let admitted = match route.door {
            Door::Open => true,
            Door::Customer => customer.is_some(),
            Door::Partner => partner.is_some(),
        };
        if !admitted {
            return Reply::problem(401, "sign in first")
                .field("www-authenticate", "Bearer".to_owned());
        }
        return (route.answer)(&Call { shop, captures, query, body, customer, partner });
    }
    match (known, &head.method) {
        (true, &Method::OPTIONS) => preflight(),
        (true, _) => Reply::problem(405, "not this way"),
        (false, _) => Reply::problem(404, "no such page"),
    }
}

fn preflight() -> Reply {
    Reply::empty()
        .field("access-control-allow-origin", "https://shop.example".to_owned())
        .field("access-control-allow-methods", "GET, POST, PATCH, DELETE".to_owned())
        .field("access-control-allow-headers", "content-type".to_owned())
        .field("access-control-allow-credentials", "true".to_owned())
}

/// What stands in the place of the template's `{}`; `None`: another path.
fn captures<'p>(template: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let mut captures = Vec::new();
    let mut segments = path.split('/');
    for wanted in template.split('/') {
        let segment = segments.next()?;
        match wanted {
            "{}" if !segment.is_empty() => captures.push(segment),
            _ if wanted == segment => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some(captures)
}

fn field<'h>(head: &'h Parts, name: &str) -> Option<&'h str> {
    head.headers.get(name)?.to_str().ok()
}

fn customer(shop: &Shop, head: &Parts) -> Option<usize> {
    let bearer = field(head, "authorization").and_then(|value| value.strip_prefix("Bearer "));
    let session = field(head, "cookie")
        .and_then(|cookies| cookies.split("; ").find_map(|cookie| cookie.strip_prefix("sid=")));
    bearer.or(session).and_then(|credential| shop.credentials.get(credential)).copied()
}

fn partner(shop: &Shop, head: &Parts, query: &str) -> Option<usize> {
    let in_query = query.split('&').find_map(|pair| pair.strip_prefix("api_key="));
    let key = field(head, "x-api-key").or(in_query)?;
    shop.world.partners.iter().position(|partner| partner.key == key)
}
