//! Signing in by a start link, and signing out.

use std::sync::Arc;
use std::time::Instant;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;

use super::{Ask, Notice, html, refusal};
use crate::server::App;
use crate::session;

/// `GET /start/{code}`. The page goes on by itself instead of redirecting: the cookie is sent only
/// with requests that this site makes, and one that began in a terminal or a mail is not.
pub(crate) async fn show(State(app): State<Arc<App>>, Path(code): Path<String>) -> Response {
    let opened = match app.sessions.open(&code, Instant::now()) {
        Ok(opened) => opened,
        Err(error) => {
            return refusal("/start", StatusCode::SERVICE_UNAVAILABLE, &error.to_string());
        }
    };
    let cookie = opened.and_then(|cookie| HeaderValue::from_str(&cookie).ok());
    let Some(cookie) = cookie else {
        let text =
            format!("A start link opens once, and within 15 minutes. {}", app.settings.relink);
        let notice = Notice {
            title: "This start link does not open any more",
            text: &text,
            onward: None,
            at_once: false,
        };
        return html(StatusCode::GONE, &notice);
    };
    let notice = Notice {
        title: "Signed in",
        text: "The console opens.",
        onward: Some(("/", "Open the console")),
        at_once: true,
    };
    let mut response = html(StatusCode::OK, &notice);
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}

#[derive(Debug, Deserialize)]
pub(crate) struct Leaving {
    token: String,
}

/// `POST /leave`.
pub(crate) async fn leave(ask: Ask, Form(form): Form<Leaving>) -> Response {
    if form.token != ask.session.form_token {
        return refusal("/leave", StatusCode::FORBIDDEN, super::FORM_OF_OTHERS);
    }
    ask.app.sessions.close(&ask.session);
    let notice = Notice {
        title: "Signed out",
        text: "Close this tab, or open another start link.",
        onward: None,
        at_once: false,
    };
    let mut response = html(StatusCode::OK, &notice);
    if let Ok(cookie) = HeaderValue::from_str(&session::expired_cookie()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
