//! What bodies are, by their media types: told apart as far as the inventory needs it.

use serde::{Deserialize, Serialize};

/// A class of media types.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Media {
    /// What pages are made of beside their text: scripts, styles, images, fonts, sound, film.
    Asset,
    /// Form fields.
    Form,
    /// gRPC.
    Grpc,
    /// JSON in any of its dialects.
    Json,
    /// None was named.
    None,
    /// Anything else.
    Other,
    /// A page for people.
    Page,
    /// SOAP's own type.
    Soap,
    /// Plain text.
    Text,
    /// XML.
    Xml,
}

impl Media {
    /// The class of a media type that is in lower case and has no parameters.
    pub(crate) fn of(media: &str) -> Self {
        match media {
            "" => return Self::None,
            "application/json" | "text/json" => return Self::Json,
            "text/html" | "application/xhtml+xml" => return Self::Page,
            "text/plain" => return Self::Text,
            "application/x-www-form-urlencoded" | "multipart/form-data" => return Self::Form,
            "application/xml" | "text/xml" => return Self::Xml,
            "application/soap+xml" => return Self::Soap,
            "text/css" | "text/javascript" | "application/javascript" | "application/wasm" => {
                return Self::Asset;
            }
            _ => {}
        }
        let (family, rest) = media.split_once('/').unwrap_or((media, ""));
        match family {
            "audio" | "font" | "image" | "video" => Self::Asset,
            _ if rest.ends_with("json") => Self::Json,
            _ if rest.starts_with("grpc") => Self::Grpc,
            _ if rest.ends_with("+xml") => Self::Xml,
            _ => Self::Other,
        }
    }

    /// True for what browsers show and machines do not read.
    pub(crate) const fn is_for_people(self) -> bool {
        matches!(self, Self::Asset | Self::Page)
    }

    /// The media type that a contract names for it; `None` where the class says too little.
    pub(crate) const fn declared(self) -> Option<&'static str> {
        match self {
            Self::Form => Some("application/x-www-form-urlencoded"),
            Self::Grpc => Some("application/grpc"),
            Self::Json => Some("application/json"),
            Self::Page => Some("text/html"),
            Self::Soap => Some("application/soap+xml"),
            Self::Text => Some("text/plain"),
            Self::Xml => Some("application/xml"),
            Self::Other | Self::Asset => Some("application/octet-stream"),
            Self::None => None,
        }
    }
}
