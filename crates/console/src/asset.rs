//! The files that pages refer to, compiled in; vendored ones unchanged, as `vendor.json` tells.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A file and its media type.
struct Asset {
    name: &'static str,
    media: &'static str,
    text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

const ASSETS: [Asset; 6] = [
    Asset { name: "console.css", media: STYLE, text: include_str!("../asset/console.css") },
    Asset { name: "console.js", media: SCRIPT, text: include_str!("../asset/console.js") },
    Asset { name: "icon.svg", media: "image/svg+xml", text: include_str!("../asset/icon.svg") },
    Asset {
        name: "htmx.js",
        media: SCRIPT,
        text: include_str!("../asset/vendor/htmx.org@2.0.11/htmx.min.js"),
    },
    Asset {
        name: "uplot.js",
        media: SCRIPT,
        text: include_str!("../asset/vendor/uplot@1.6.32/uPlot.iife.min.js"),
    },
    Asset {
        name: "uplot.css",
        media: STYLE,
        text: include_str!("../asset/vendor/uplot@1.6.32/uPlot.min.css"),
    },
];

/// Serves a file; anybody on the machine may have it, since it says nothing about traffic.
pub(crate) async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = crate::api::entity_tag(asset.text.as_bytes());
    let caching = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if crate::api::is_known(&headers, &tag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, asset.media)], asset.text).into_response()
}
