//! Parameters, bodies and responses of one operation, as they are declared.

use crate::document::refs::At;
use crate::lower::Direction;
use crate::media::{self, Content, Entry};
use crate::operation::{RequestBody, Response, Status};
use crate::parameter::{Parameter, ParameterPlace, Rule};
use crate::shape::{self, Shape};
use crate::style::Style;

use super::openapi::Reader;

impl<'a> Reader<'a, '_> {
    /// The parameters of an operation: its own, and those of its path that it does not replace.
    pub(super) fn parameters(&mut self, item: At<'a>, operation: At<'a>) -> Vec<Parameter> {
        let mut out: Vec<Parameter> = Vec::new();
        for holder in [operation, item] {
            for at in holder.get("parameters").into_iter().flat_map(At::elements) {
                let Some(parameter) = self.parameter(at) else { continue };
                let same =
                    |it: &Parameter| it.place == parameter.place && it.name == parameter.name;
                if !out.iter().any(same) {
                    out.push(parameter);
                }
            }
        }
        out
    }

    fn parameter(&mut self, at: At<'a>) -> Option<Parameter> {
        let at = self.follow(at)?;
        let (name, place) = (at.node.text("name"), at.node.text("in"));
        let (Some(name), Some(place)) = (name, place.and_then(ParameterPlace::parse)) else {
            self.report.warn(
                "parameter",
                at.defect(
                    "a parameter without a name, or in no known place",
                    "`name`, and `in` with path, query, header or cookie",
                    "add them; until then the parameter is not checked",
                ),
            );
            return None;
        };
        let ignored = ["accept", "content-type", "authorization"];
        if place == ParameterPlace::Header && ignored.contains(&&*name.to_ascii_lowercase()) {
            return None;
        }
        let style = self.style(at, place);
        Some(Parameter {
            place,
            name: name.into(),
            required: place == ParameterPlace::Path || at.node.flag("required"),
            style,
            allow_empty: at.node.flag("allowEmptyValue"),
            rule: self.rule(at, Direction::Request),
        })
    }

    fn style(&mut self, at: At<'a>, place: ParameterPlace) -> Style {
        let form = matches!(place, ParameterPlace::Query | ParameterPlace::Cookie);
        let named = at.node.text("style").unwrap_or(if form { "form" } else { "simple" });
        let explode = at.get("explode").and_then(|at| at.node.as_bool());
        let explode = explode.unwrap_or(named == "form");
        match (named, place) {
            ("form", ParameterPlace::Query) => Style::Form { explode },
            // a cookie holds one piece of text, whatever explode says
            ("form", ParameterPlace::Cookie) => Style::Form { explode: false },
            ("simple", ParameterPlace::Path | ParameterPlace::Header) => Style::Simple { explode },
            ("label", ParameterPlace::Path) => Style::Label { explode },
            ("matrix", ParameterPlace::Path) => Style::Matrix { explode },
            ("spaceDelimited", ParameterPlace::Query) if !explode => Style::Space,
            ("pipeDelimited", ParameterPlace::Query) if !explode => Style::Pipe,
            ("spaceDelimited" | "pipeDelimited", ParameterPlace::Query) => {
                Style::Form { explode: true }
            }
            ("deepObject", ParameterPlace::Query) => Style::Deep,
            _ => {
                self.report.warn(
                    "style",
                    at.defect(
                        format!("the style `{named}`, which is not for this place"),
                        "a style that OpenAPI names for it",
                        "correct the style; until then the default style is expected",
                    ),
                );
                match place {
                    ParameterPlace::Query => Style::Form { explode: true },
                    ParameterPlace::Cookie => Style::Form { explode: false },
                    _ => Style::Simple { explode: false },
                }
            }
        }
    }

    /// What the value of a parameter or header is judged by: `schema`, or one `content`.
    fn rule(&mut self, at: At<'a>, direction: Direction) -> Rule {
        if let Some(schema) = at.get("schema") {
            let shape = Shape::of(self.library, schema, shape::PARAMETER_DEPTH);
            return Rule::Styled(self.schema(schema, direction), Box::new(shape));
        }
        let Some((media_type, content)) = at.get("content").and_then(|at| at.members().next())
        else {
            return Rule::Unchecked;
        };
        if media::is_json(media::essence(media_type.as_bytes())) {
            let schema = content.get("schema");
            return Rule::Json(schema.map(|schema| self.schema(schema, direction)));
        }
        self.not_checked(content, media_type);
        Rule::Unchecked
    }

    pub(super) fn request_body(&mut self, operation: At<'a>) -> Option<RequestBody> {
        let at = self.follow(operation.get("requestBody")?)?;
        let content = self.content(at, Direction::Request);
        Some(RequestBody { required: at.node.flag("required"), content })
    }

    fn content(&mut self, holder: At<'a>, direction: Direction) -> Content {
        let mut entries: Vec<Entry> = Vec::new();
        for (name, at) in holder.get("content").into_iter().flat_map(At::members) {
            let essence = media::essence(name.as_bytes()).to_ascii_lowercase();
            let range: Box<str> = String::from_utf8_lossy(&essence).into();
            if let Some(known) = entries.iter_mut().find(|entry| entry.range == range) {
                (known.schema, known.shape) = (None, None);
                self.report.warn(
                    "media type",
                    at.defect(
                        format!("`{name}`, which differs from another only in its parameters"),
                        "each media type once",
                        "remove one of the two; until then neither schema is enforced",
                    ),
                );
                continue;
            }
            let understood = media::is_json(&essence) || media::is_form(&essence);
            let wildcard = range.ends_with('*');
            let Some(schema) = at.get("schema") else {
                entries.push(Entry { range, schema: None, shape: None });
                continue;
            };
            if !understood && !wildcard {
                self.not_checked(schema, name);
                entries.push(Entry { range, schema: None, shape: None });
                continue;
            }
            let form = media::is_form(&essence) || wildcard;
            if let (true, Some(encoding)) = (form, at.get("encoding")) {
                self.report.warn(
                    "encoding",
                    encoding.defect(
                        "`encoding` of a form, which is not followed",
                        "fields as forms are written by default",
                        "leave it out if the default is meant",
                    ),
                );
            }
            let shape = form.then(|| Box::new(Shape::of(self.library, schema, shape::FORM_DEPTH)));
            entries.push(Entry { range, schema: Some(self.schema(schema, direction)), shape });
        }
        Content { entries }
    }

    fn not_checked(&mut self, at: At<'a>, media_type: &str) {
        // a schema that only says `type: string, format: binary` leaves nothing to check
        let schema = self.library.follow(at).unwrap_or(at);
        let opaque = schema.node.text("format") == Some("binary")
            || schema.node.as_map().is_none_or(super::tree::Map::is_empty);
        if !opaque {
            self.report.warn(
                "media type not checked",
                at.defect(
                    format!("a schema for `{media_type}`, whose content is not checked"),
                    "JSON or application/x-www-form-urlencoded",
                    "nothing to do; such content passes and is reported as not checked",
                ),
            );
        }
    }

    pub(super) fn responses(&mut self, operation: At<'a>) -> Vec<(Status, Response)> {
        let mut out = Vec::new();
        for (name, at) in operation.get("responses").into_iter().flat_map(At::members) {
            if name.starts_with("x-") {
                continue;
            }
            let Some(status) = Status::parse(name) else {
                self.report.warn(
                    "status",
                    at.defect(
                        format!("a response for `{name}`"),
                        "a status such as 200, a class such as 4XX, or default",
                        "correct the status; until then the response is not declared",
                    ),
                );
                continue;
            };
            let Some(at) = self.follow(at) else { continue };
            let content = self.content(at, Direction::Response);
            out.push((status, Response { content, headers: self.headers(at).into() }));
        }
        out
    }

    fn headers(&mut self, response: At<'a>) -> Vec<Parameter> {
        let mut out = Vec::new();
        for (name, at) in response.get("headers").into_iter().flat_map(At::members) {
            if name.eq_ignore_ascii_case("content-type") {
                continue;
            }
            let Some(at) = self.follow(at) else { continue };
            let explode = at.node.flag("explode");
            out.push(Parameter {
                place: ParameterPlace::Header,
                name: name.into(),
                required: at.node.flag("required"),
                style: Style::Simple { explode },
                allow_empty: false,
                rule: self.rule(at, Direction::Response),
            });
        }
        out
    }
}
