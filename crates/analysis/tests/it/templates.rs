//! Which segments become parameters, and which stay.

use analysis::Analyst;
use analysis::snapshot::{Basis, Snapshot};
use exchange::data_class::DataClasses;
use exchange::endpoint::Method;
use exchange::observation::{BodySeen, Observation};

use super::merge::word;
use super::observe::{START, plain, shape};

fn with_body(mut one: Observation, fields: &[&str]) -> Observation {
    one.response = BodySeen {
        shape: Some(shape(fields, DataClasses::NONE, false)),
        missing: None,
        media: "application/json".into(),
        ..BodySeen::default()
    };
    one
}

fn learn(observations: impl Iterator<Item = Observation>) -> Snapshot {
    let mut analyst = Analyst::new(Vec::new());
    observations.for_each(|one| analyst.absorb(&one));
    analyst.snapshot(START)
}

fn templates(snapshot: &Snapshot) -> Vec<String> {
    snapshot.endpoints.iter().map(|row| row.template.to_string()).collect()
}

#[test]
fn values_merge_at_once() {
    let table: [(&str, [&str; 3]); 10] = [
        ("numbers", ["1", "42", "900017"]),
        (
            "uuids",
            [
                "3f1c0a7b-e2d9-4411-8b0a-2f6f4c9d1e70",
                "0b8f6a52-93c1-4f7e-a7a5-51d3c8e2f914",
                "c0ffee00-1234-4abc-8def-0123456789ab",
            ],
        ),
        ("dates", ["2026-01-15", "2025-12-24", "2026-02-28"]),
        ("hashes", ["9c41f0aa12de77b0", "5b1e77aa03cc91ff", "507f1f77bcf86cd799439011"]),
        ("customers", ["cus_9s6XKzkNRiz8i3", "cus_4QFJOjw2pOmAGJ", "cus_8TEMHVY5moxIPI"]),
        ("shipments", ["SHP-48213", "SHP-48214", "SHP-59991"]),
        (
            "ulids",
            [
                "01ARZ3NDEKTSV4RRFFQ69G5FAV",
                "01BX5ZZKBKACTAV9WEVGEMMVRZ",
                "01BX5ZZKBKACTAV9WEVGEMMVS0",
            ],
        ),
        ("mails", ["jane@example.com", "joe@example.org", "jim@example.net"]),
        ("addresses", ["192.0.2.1", "198.51.100.7", "203.0.113.99"]),
        ("tokens", ["a8Xk29QzP4", "7Hq2LmT9wB", "Zk81mQp0Xa"]),
    ];
    for (collection, ids) in &table {
        let paths = ids.iter().map(|id| format!("/v1/{collection}/{id}/state"));
        let found = learn(paths.map(|path| plain(Method::Get, &path, 1)));
        let name = collection
            .strip_suffix("es")
            .filter(|_| *collection == "hashes" || *collection == "addresses");
        let singular = name.unwrap_or_else(|| collection.strip_suffix('s').unwrap());
        let expected = format!("/v1/{collection}/{{{singular}Id}}/state");
        assert_eq!(templates(&found), [expected], "{collection}");
        assert_eq!(found.endpoints[0].grounds[0].basis, Basis::Kind);
    }
    assert_eq!(table.len(), 10);
}

#[test]
fn literals_stay_apart() {
    let groups: [&[&str]; 5] = [
        &["/v1/users", "/v1/orders", "/v1/products", "/v1/carts", "/v1/invoices"],
        &["/v1/users/me", "/v1/users/search", "/v1/users/count"],
        &["/v1/orders", "/v2/orders", "/api/orders"],
        &["/health", "/metrics", "/version", "/openapi.json"],
        &["/v1/cart", "/v1/cart/items", "/v1/cart/coupon", "/v1/cart/total"],
    ];
    let mut checked = 0;
    for group in groups {
        let many = group.iter().flat_map(|path| (0..30).map(|n| plain(Method::Get, path, n)));
        let found = learn(many);
        let mut expected: Vec<String> = group.iter().map(|path| (*path).to_owned()).collect();
        expected.sort();
        let mut found = templates(&found);
        found.sort();
        assert_eq!(found, expected);
        checked += group.len();
    }
    assert_eq!(checked, 19);
}

#[test]
fn collections_with_bodies_of_their_own_stay_apart() {
    let fields: [(&str, [&str; 3]); 4] = [
        ("users", ["name", "email", "role"]),
        ("orders", ["total", "currency", "placed"]),
        ("products", ["title", "price", "stock"]),
        ("carts", ["items", "sum", "expires"]),
    ];
    let all = fields.iter().flat_map(|(word, names)| {
        (0..20).flat_map(move |n| {
            let list = plain(Method::Get, &format!("/v1/{word}"), n);
            let one = plain(Method::Get, &format!("/v1/{word}/{n}"), n);
            [with_body(list, &["items", "next"]), with_body(one, names)]
        })
    });
    assert_eq!(templates(&learn(all)).len(), 8);
}

#[test]
fn words_that_behave_alike_are_one_parameter() {
    let all = (0..60).flat_map(|n| {
        let slug = word(n);
        let one = plain(Method::Get, &format!("/v1/articles/{slug}"), u64::from(n));
        let notes = plain(Method::Get, &format!("/v1/articles/{slug}/notes"), u64::from(n));
        [with_body(one, &["title", "author", "text"]), with_body(notes, &["notes"])]
    });
    let more = (0..40).map(|n| {
        with_body(plain(Method::Get, "/v1/articles/featured", n), &["week", "editor", "picks"])
    });
    let found = learn(all.chain(more));
    assert_eq!(
        templates(&found),
        ["/v1/articles/featured", "/v1/articles/{articleId}", "/v1/articles/{articleId}/notes"]
    );
    let grounds = &found.endpoints[1].grounds[0];
    assert_eq!((grounds.basis, grounds.distinct, grounds.literals), (Basis::Statistics, 60, 1));
    assert!(grounds.confidence > 0.9);
}

#[test]
fn parameters_may_follow_one_another() {
    let all = (0..40).flat_map(|n| {
        let (owner, name) = (word(n % 12), word(100 + n * 7));
        let path = format!("/repos/{owner}/{name}");
        let one = with_body(plain(Method::Get, &path, 1), &["name", "owner", "stars"]);
        let issues = with_body(plain(Method::Get, &format!("{path}/issues"), 1), &["open"]);
        [one, issues]
    });
    let found = templates(&learn(all));
    assert_eq!(found, ["/repos/{repoId}/{id}", "/repos/{repoId}/{id}/issues"]);
}

#[test]
fn scanners_leave_nothing_behind() {
    let real = (0..50).map(|n| plain(Method::Get, &format!("/v1/orders/{n}"), n));
    let scans = (0..3_000).map(|n| {
        let mut one = plain(Method::Get, &format!("/{}/{}.php", word(n), word(n + 7)), 1);
        one.status = Some(if n % 3 == 0 { 403 } else { 404 });
        one
    });
    let found = learn(real.chain(scans));
    assert_eq!(templates(&found), ["/v1/orders/{orderId}"]);
    assert_eq!(found.totals.unrouted + found.totals.overflow, 3_000);
    assert_eq!(found.endpoints[0].exchanges, 50);
}

#[test]
fn errors_belong_to_their_endpoint_whichever_came_first() {
    let status = |status: u16, path: &str, number: u64| {
        let mut one = plain(Method::Get, path, number);
        one.status = Some(status);
        one
    };
    let all = [
        status(404, "/v1/orders/7", 1),
        status(200, "/v1/orders/8", 2),
        status(500, "/v1/orders/9", 3),
    ];
    let found = learn(all.into_iter());
    assert_eq!(found.endpoints[0].statuses, [(200, 1), (404, 1), (500, 1)]);
    assert_eq!(found.totals.unrouted, 0);
}
