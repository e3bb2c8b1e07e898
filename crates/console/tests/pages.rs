//! Pages as text: they say what the view holds, and no text from traffic becomes markup.

use analysis::findings::Status;

use crate::fixture::{self, HOSTILE};
use crate::running::Running;

/// The paths of all pages of the full view.
pub(crate) fn all_paths() -> Vec<String> {
    let view = fixture::full();
    let mut paths: Vec<String> =
        ["/", "/?window=7d", "/inventory", "/findings?show=all"].map(str::to_owned).to_vec();
    paths.extend(view.snapshot.endpoints.iter().map(|row| format!("/inventory/{}", row.id)));
    paths.extend(view.snapshot.findings.iter().map(|row| format!("/findings/{}", row.fingerprint)));
    paths
}

#[test]
fn hostile_text_stays_text() {
    let running = Running::new(fixture::full());
    let client = running.client();
    let paths = all_paths();
    for path in &paths {
        let answer = client.get(path);
        assert_eq!(answer.status, 200, "{path}");
        let body = &answer.body;
        for markup in ["<script>", "<img src=x", "<svg onload", "onmouseover='", "</textarea></"] {
            assert!(!body.contains(markup), "{path} has {markup}");
        }
        let deceptive = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\0', '\u{7}', '\u{1b}'];
        assert!(!body.contains(deceptive), "{path}");
        assert!(!body.contains("href=\"javascript:"), "{path}");
        assert!(!body.contains(&"deep".repeat(400)), "{path} shows all of a long path");
        assert_eq!(body.matches("<h1").count(), 1, "{path}");
        assert_eq!(body.matches("<main").count(), 1, "{path}");
        assert!(body.contains("<html lang=\"en\""), "{path}");
    }
    assert!(paths.len() > 30, "{}", paths.len());
}

#[test]
fn hostile_text_is_visible() {
    let running = Running::new(fixture::full());
    let body = running.page("/inventory").body;
    for visible in [
        "&#60;script&#62;alert(1)&#60;/script&#62;",
        "{{7*7}}",
        "safe⟨U+202E⟩cod.exe⟨U+2066⟩⟨U+2069⟩",
        "nul⟨U+0000⟩bell⟨U+0007⟩esc⟨U+001B⟩[31m",
        "zero⟨U+200B⟩width⟨U+FEFF⟩join",
        "&#38;lt;b&#38;gt;",
        "שלום العربية 日本語",
        "😀",
    ] {
        assert!(body.contains(visible), "{visible}");
    }
    assert!(body.contains("… (+"), "long text tells how much is not shown");
}

#[test]
fn what_is_typed_into_the_filter_comes_back_as_text() {
    let running = Running::new(fixture::full());
    let client = running.client();
    for text in HOSTILE {
        let query: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for page in ["/inventory", "/findings"] {
            let body = client.get(&format!("{page}?q={query}")).body;
            assert!(!body.contains("<script>") && !body.contains("<img src=x"), "{page} {text}");
            assert!(!body.contains("' onmouseover="), "{page} {text}");
        }
    }
}

#[test]
fn the_overview_tells_whether_it_is_on() {
    let running = Running::new(fixture::full());
    let body = running.page("/").body;
    for words in [
        "1.09 M",
        "would block",
        "Protection in force",
        "class=\"mode block\">block<",
        "class=\"mode observe\">observe<",
        "6 of 7",
        "61 %",
        "4,102 bodies not inspected: larger than 1 MiB",
        "31 dropped",
        "keeping up",
        "answers with personal data and asks for no credential",
        "policy <code>3f1c0a7be2d94411</code>",
    ] {
        assert!(body.contains(words), "{words}");
    }
    assert_eq!(body.matches("<tr data-at=").count(), 24);
    let week = running.page("/?window=7d").body;
    assert_eq!(week.matches("<tr data-at=").count(), 168);
}

#[test]
fn the_inventory_filters_sorts_and_pages() {
    let running = Running::new(fixture::full());
    let client = running.client();
    let rows = |query: &str| client.get(&format!("/inventory?{query}")).body;
    let count = |body: &str| body.matches("<a class=\"row\"").count();
    assert_eq!(count(&rows("")), 9 + HOSTILE.len() + 1);
    assert_eq!(count(&rows("q=service:shop+state:shadow")), 2);
    assert_eq!(count(&rows("q=method:post+orders")), 1);
    assert_eq!(count(&rows("q=data:iban")), 2);
    assert_eq!(count(&rows("q=auth:none+service:shop")), 2);
    let none = rows("q=nowhere+to+be+found");
    assert!(none.contains("0 of 22 match.") && none.contains("Clear the filter"), "{none}");
    let wrong = client.get("/inventory?q=colour:red");
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("`colour:` is no filter here; there are service, state"));
    let busiest = rows("sort=exchanges");
    let at = |text| busiest.find(text).unwrap();
    assert!(at("/v1/catalog") < at("/v1/orders/{orderId}"));
    assert!(busiest.contains("aria-sort=\"descending\""));
    assert_eq!(client.get("/inventory?sort=;drop+table&page=-1").status, 200);
}

#[test]
fn long_lists_come_in_pages() {
    let mut view = fixture::full();
    let snapshot = std::sync::Arc::make_mut(&mut view.snapshot);
    let pattern = snapshot.endpoints[0].clone();
    snapshot.endpoints = (0..250)
        .map(|number| {
            let mut row = pattern.clone();
            row.id = exchange::endpoint::EndpointId(number);
            row
        })
        .collect();
    let running = Running::new(view);
    let client = running.client();
    let count = |query: &str| client.get(query).body.matches("<a class=\"row\"").count();
    assert_eq!(count("/inventory"), 100);
    assert_eq!(count("/inventory?page=3"), 50);
    assert_eq!(count("/inventory?page=99999999999999"), 50);
    assert!(client.get("/inventory?page=2").body.contains("Page 2 of 3"));
}

#[test]
fn an_endpoint_tells_why_it_is_one() {
    let running = Running::new(fixture::full());
    let view = fixture::full();
    let body = running.page(&format!("/inventory/{}", view.snapshot.endpoints[2].id)).body;
    for words in [
        "Why one endpoint?",
        "9,412 different words here behave alike",
        "184 k uuid, 19 word",
        "{orderId}",
        "string (uuid)",
        "/customer/email",
        "class=\"tag\">email<",
        "98 %",
    ] {
        assert!(body.contains(words), "{words}");
    }
    assert_eq!(running.page("/inventory/zzz").status, 404);
}

#[test]
fn findings_are_ranked_and_closed_ones_kept_apart() {
    let running = Running::new(fixture::full());
    let client = running.client();
    let count = |query: &str| client.get(query).body.matches("<a class=\"row\"").count();
    let open = 3 + HOSTILE.len() + 1;
    assert_eq!(count("/findings"), open);
    assert_eq!(count("/findings?show=all"), open + 1);
    assert_eq!(count("/findings?q=status:suppressed"), 1);
    assert_eq!(count("/findings?q=severity:critical"), 1);
    assert_eq!(count("/findings?q=severity%3E%3Dhigh+service:shop"), 2);
    assert_eq!(count("/findings?q=rule:spec-005"), 1);
    let wrong = client.get("/findings?q=severity%3E%3Dhuge");
    assert!(wrong.body.contains("`huge` is no severity; there are info, low"), "{}", wrong.body);
}

#[test]
fn a_finding_tells_what_is_known_and_what_is_not() {
    let running = Running::new(fixture::full());
    let view = fixture::full();
    let finding = &view.snapshot.findings[0];
    assert_eq!(finding.status, Status::New);
    let body = running.page(&format!("/findings/{}", finding.fingerprint)).body;
    for words in [
        "What happened",
        "What is normal",
        "What we do not know",
        "18 exchanges show it, by 2 callers",
        "share without credential",
        "email, iban",
        "0 of 18 successful answers",
        "require = { any = [&#34;jwt&#34;] }",
        "Copy TOML",
        "97 % sure",
        "98 % of request bodies and 61 %",
        "h:",
    ] {
        assert!(body.contains(words), "{words}");
    }
    assert_eq!(running.page("/findings/123").status, 404);
}

#[test]
fn a_page_with_nothing_to_show_says_what_fills_it() {
    let running = Running::new(fixture::empty());
    for path in ["/", "/inventory", "/findings"] {
        let body = running.page(path).body;
        for words in ["No traffic yet", "curl http://127.0.0.1:8080/", "palisade demo"] {
            assert!(body.contains(words), "{path}: {words}");
        }
    }
}
