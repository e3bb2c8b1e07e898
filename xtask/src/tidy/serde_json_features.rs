//! Two features of `serde_json` change what every crate of the build sees, whoever asks for them:
//! `preserve_order` turns sorted maps into insertion order, and `arbitrary_precision` turns numbers
//! into maps for everybody else's `Deserialize`. No dependency may bring them in.

use serde_json::Value;

use super::Complaint;

const FORBIDDEN: &[&str] = &["arbitrary_precision", "preserve_order"];

pub(super) fn check(metadata: &Value) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for node in metadata["resolve"]["nodes"].as_array().into_iter().flatten() {
        let id = node["id"].as_str().unwrap_or_default();
        if !id.contains("#serde_json@") {
            continue;
        }
        for feature in node["features"].as_array().into_iter().flatten() {
            if let Some(name) = feature.as_str().filter(|name| FORBIDDEN.contains(name)) {
                let what = format!("serde_json is built with `{name}`: find who asks for it");
                complaints.push(Complaint::new("Cargo.lock", 0, what));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_features_are_found_in_the_graph() {
        let metadata = |features: &[&str]| {
            json!({"resolve": {"nodes": [
                {"id": "registry+https://example.org#serde_json@1.0.0", "features": features},
                {"id": "registry+https://example.org#other@1.0.0", "features": ["preserve_order"]},
            ]}})
        };
        assert_eq!(check(&metadata(&["raw_value", "std"])), []);
        assert_eq!(check(&metadata(&["arbitrary_precision", "preserve_order"])).len(), 2);
    }
}
