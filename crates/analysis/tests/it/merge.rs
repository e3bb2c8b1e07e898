//! Tallies are monoids: any order and any split of a recording gives the same inventory.

use analysis::snapshot::Snapshot;
use analysis::{Analyst, state};
use exchange::observation::Observation;
use proptest::prelude::*;

use super::observe::{START, declare, line, plain};
use exchange::endpoint::{Method, PathTemplate};

/// Lines of which recordings are made: ids, words, errors, bodies, signals, several hosts.
const LINES: [&str; 16] = [
    "GET /v1/orders/{#} jwt 200 x5 principals=3 fields=id,total data=iban",
    "GET /v1/orders/{#} jwt 404 x3 principals=2",
    "POST /v1/orders jwt 201 x2 fields=id",
    "GET /v1/users/me jwt 200 x2 principals=2 fields=id,name",
    "GET /v1/users/alice jwt 200 fields=id,name",
    "GET /v1/users/bob jwt 200 fields=id,name",
    "GET /v1/users/carol none 404",
    "DELETE /v1/users/bob none 401",
    "GET /health none 200 x2 fields=status",
    "GET /wp-login.php none 404 x3 principals=3",
    "GET /v1/reviews none 200 x4 data=email,phone list fields=author,stars",
    "GET /v1/search none 500 x2 signal=PAL-CONF-001,exchange,,django",
    "GET /v1/search none 200 x2",
    "PUT /v1/carts/{#} jwt 200 detected signal=PAL-SPEC-001,body,/total,maximum",
    "OPTIONS /v1/orders none 204",
    "GET /v1/orders/{#} jwt 200 host=old.example.com days=3",
];

fn recording(picks: &[usize]) -> Vec<Observation> {
    let nothing: [PathTemplate; 0] = [];
    let mut all = Vec::new();
    for pick in picks {
        all.extend(line(LINES[*pick], &nothing, all.len() as u64));
    }
    all
}

fn learn(observations: &[Observation]) -> Analyst {
    let mut analyst = Analyst::new(Vec::new());
    observations.iter().for_each(|one| analyst.absorb(one));
    analyst
}

fn shown(analyst: &Analyst) -> Snapshot {
    analyst.snapshot(START.plus_micros(10_000_000_000_000))
}

fn picks() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..LINES.len(), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_order_gives_the_same_inventory(picks in picks(), seed in any::<u64>()) {
        let straight = recording(&picks);
        let mut shuffled = straight.clone();
        let mut state = seed | 1;
        for at in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888);
            shuffled.swap(at, (state >> 33) as usize % (at + 1));
        }
        prop_assert_eq!(shown(&learn(&straight)), shown(&learn(&shuffled)));
    }

    #[test]
    fn any_split_gives_the_same_inventory(picks in picks(), parts in 1_usize..16) {
        let all = recording(&picks);
        let whole = shown(&learn(&all));
        let shares: Vec<Analyst> = (0..parts)
            .map(|part| {
                let mine = all.iter().skip(part).step_by(parts).cloned().collect::<Vec<_>>();
                learn(&mine)
            })
            .collect();
        let forth = shares.iter().cloned().fold(learn(&[]), Analyst::merge);
        let back = shares.iter().rev().cloned().fold(learn(&[]), Analyst::merge);
        prop_assert_eq!(&shown(&forth), &whole);
        prop_assert_eq!(&shown(&back), &whole);
    }

    #[test]
    fn what_is_saved_is_restored(picks in picks()) {
        let mut analyst = learn(&recording(&picks));
        analyst.assess(START);
        let restored = state::restore(&state::save(&analyst), Vec::new()).unwrap();
        prop_assert_eq!(shown(&restored), shown(&analyst));
        // and learns on from there
        let more = recording(&[0, 4, 9]);
        let (mut a, mut b) = (analyst, restored);
        more.iter().for_each(|one| { a.absorb(one); b.absorb(one); });
        prop_assert_eq!(shown(&a), shown(&b));
    }
}

#[test]
fn merging_is_associative() {
    let part = |picks: &[usize]| learn(&recording(picks));
    let (a, b, c) = (part(&[0, 1, 4, 5]), part(&[6, 7, 13]), part(&[2, 3, 11, 15]));
    let left = a.clone().merge(b.clone()).merge(c.clone());
    let right = a.merge(b.merge(c));
    assert_eq!(shown(&left), shown(&right));
    assert_eq!(shown(&left).totals.exchanges, 20);
}

#[test]
fn crowds_of_words_are_the_same_whatever_their_order() {
    let words: Vec<String> = (0..1_500).map(|n| format!("/tags/{}", word(n))).collect();
    let one = |path: &String| plain(Method::Get, path, 1);
    let forth: Vec<_> = words.iter().map(one).collect();
    let back: Vec<_> = words.iter().rev().map(one).collect();
    let (forth, back) = (learn(&forth), learn(&back));
    let halves = learn(&words[..700].iter().map(one).collect::<Vec<_>>())
        .merge(learn(&words[700..].iter().map(one).collect::<Vec<_>>()));
    assert_eq!(shown(&forth), shown(&back));
    assert_eq!(shown(&forth).endpoints, shown(&halves).endpoints);
    let endpoints = shown(&forth).endpoints;
    assert_eq!(
        endpoints.len(),
        1,
        "{:?}",
        endpoints.iter().map(|e| e.template.to_string()).collect::<Vec<_>>()
    );
    assert_eq!(endpoints[0].exchanges, 1_500);
}

/// A word that looks like nothing but a word.
pub(super) fn word(number: u32) -> String {
    let letters = b"bcdfglmnprst";
    let vowels = b"aeiou";
    let mut text = String::new();
    let mut rest = number;
    for _ in 0..3 {
        text.push(char::from(letters[(rest % 12) as usize]));
        text.push(char::from(vowels[(rest / 12 % 5) as usize]));
        rest = rest / 60 + 1 + number % 7;
    }
    format!("{text}{}", ["", "ra", "lo", "mi"][(number / 3600 % 4) as usize])
}

#[test]
fn what_was_learned_survives_a_new_contract() {
    let before = declare(&["GET /v1/orders/{orderId} required"]);
    let templates: Vec<_> =
        before.contract.operations().iter().map(|one| one.template.clone()).collect();
    let mut analyst = Analyst::new(vec![before]);
    for one in line("GET /v1/orders/{#} jwt 200 x9 fields=id", &templates, 0) {
        analyst.absorb(&one);
    }
    let after = declare(&["GET /v1/carts required", "GET /v1/orders/{number} required"]);
    analyst.redeclare(vec![after]);
    let rows = shown(&analyst).endpoints;
    let order = rows.iter().find(|row| row.template.to_string() == "/v1/orders/{number}").unwrap();
    assert_eq!(order.exchanges, 9);
    analyst.redeclare(Vec::new());
    let rows = shown(&analyst).endpoints;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].template.to_string().as_str(), rows[0].exchanges),
        ("/v1/orders/{orderId}", 9)
    );
}
