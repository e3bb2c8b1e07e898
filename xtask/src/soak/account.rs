//! The traffic of a soak: mostly what an API gets, some of it what it should not get.

use crate::rig::client::{get, post};

/// Requests in a round of the traffic.
const ROUND: usize = 400;
/// One in so many is an attack.
const ATTACK_EVERY: usize = 20;

/// A round of requests, 95 % innocent. All are answered with 200 by an observing gateway.
pub(super) fn requests() -> Vec<Vec<u8>> {
    (0..ROUND).map(request).collect()
}

fn request(number: usize) -> Vec<u8> {
    let id = format!("{number:08x}-0b7c-4a49-9c4e-5b1f0a6c2d11");
    if number % ATTACK_EVERY == ATTACK_EVERY - 1 {
        return get(&format!("/v1/orders?id={number}%27%20OR%201=1--&file=../../etc/passwd"));
    }
    match number % 4 {
        0 => get(&format!("/v1/orders?page={number}&limit=50")),
        1 => get(&format!("/v1/customers/{id}")),
        2 => {
            let items = format!(r#"[{{"sku":"A-{number}","count":2}}]"#);
            let body = format!(r#"{{"customer":{number},"items":{items},"note":"quick"}}"#);
            post("/v1/orders", &body)
        }
        _ => get(&format!("/v1/orders/{id}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_twenty_is_an_attack() {
        let requests = requests();
        let attack = |text: &&Vec<u8>| text.windows(11).any(|part| part == b"/etc/passwd");
        assert_eq!((requests.len(), requests.iter().filter(attack).count()), (400, 20));
    }
}
