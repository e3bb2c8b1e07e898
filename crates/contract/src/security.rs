//! What an operation demands of who calls it, with global requirements resolved.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::document::refs::{At, Library};
use crate::error::Report;

/// How a scheme of a contract is proven.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum SchemeKind {
    /// A key in a header field of this name.
    ApiKeyHeader(Box<str>),
    /// A key in a cookie of this name.
    ApiKeyCookie(Box<str>),
    /// A key in a query parameter of this name.
    ApiKeyQuery(Box<str>),
    /// HTTP Basic.
    Basic,
    /// HTTP Bearer.
    Bearer,
    /// Another HTTP authentication scheme.
    Http(Box<str>),
    /// A client certificate.
    MutualTls,
    /// OAuth 2.0.
    OAuth2,
    /// OpenID Connect.
    OpenIdConnect,
    /// The contract names a scheme that it does not define.
    Undefined,
}

/// One scheme of a requirement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scheme {
    /// Its name in the contract.
    pub name: Box<str>,
    /// How it is proven.
    pub kind: SchemeKind,
    /// The scopes or roles that are asked for.
    pub scopes: Box<[Box<str>]>,
}

/// Schemes that must be proven together.
pub type Alternative = Box<[Scheme]>;

/// What an operation demands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Security {
    /// The whole contract says nothing about security.
    Undeclared,
    /// Nothing is demanded.
    Public,
    /// One of these may be proven, and nothing must.
    Optional(Arc<[Alternative]>),
    /// One of these must be proven.
    Required(Arc<[Alternative]>),
}

impl Security {
    /// The schemes of all alternatives.
    pub fn schemes(&self) -> impl Iterator<Item = &Scheme> {
        let alternatives = match self {
            Self::Undeclared | Self::Public => &[][..],
            Self::Optional(alternatives) | Self::Required(alternatives) => alternatives,
        };
        alternatives.iter().flat_map(|alternative| alternative.iter())
    }
}

/// The security of one document: its schemes, and what holds where an operation says nothing.
pub(crate) struct Declared {
    schemes: BTreeMap<Box<str>, SchemeKind>,
    global: Security,
}

impl Declared {
    /// Reads the schemes and the global requirement of a document's root.
    pub(crate) fn read(library: &Library, root: At<'_>, report: &mut Report) -> Self {
        let mut schemes = BTreeMap::new();
        let components = root.get("components").and_then(|at| at.get("securitySchemes"));
        for (name, at) in components.into_iter().flat_map(At::members) {
            match library.follow(at) {
                Ok(at) => {
                    schemes.insert(name.into(), kind(at, report));
                }
                Err(lost) => lost.report(report),
            }
        }
        let mut declared = Self { schemes, global: Security::Undeclared };
        if let Some(at) = root.get("security") {
            declared.global = declared.requirement(at, report);
        } else if operations(root).any(|operation| operation.get("security").is_some()) {
            declared.global = Security::Public;
        }
        declared
    }

    /// What an operation demands.
    pub(crate) fn of(&self, operation: At<'_>, report: &mut Report) -> Security {
        match operation.get("security") {
            Some(at) => self.requirement(at, report),
            None => self.global.clone(),
        }
    }

    fn requirement(&self, at: At<'_>, report: &mut Report) -> Security {
        if at.node.as_list().is_none() {
            report.error(at.defect(
                format!("{} as `security`", at.node.kind()),
                "a list of security requirements",
                "write `security: []` for a public operation, or `security: [{name: []}]`",
            ));
        }
        let mut alternatives = Vec::new();
        let mut optional = false;
        for element in at.elements() {
            let schemes: Alternative =
                element.members().map(|(name, scopes)| self.scheme(name, scopes, report)).collect();
            match schemes.is_empty() {
                true => optional = true,
                false => alternatives.push(schemes),
            }
        }
        match (alternatives.is_empty(), optional) {
            (true, _) => Security::Public,
            (false, true) => Security::Optional(alternatives.into()),
            (false, false) => Security::Required(alternatives.into()),
        }
    }

    fn scheme(&self, name: &str, scopes: At<'_>, report: &mut Report) -> Scheme {
        let kind = self.schemes.get(name).cloned().unwrap_or_else(|| {
            let warning = scopes.defect(
                format!("the security scheme `{name}`, which is not defined"),
                "a name from `components.securitySchemes`",
                "define the scheme or correct the name; until then its proof is not recognised",
            );
            report.warn("security scheme", warning);
            SchemeKind::Undefined
        });
        let scopes = scopes.elements().filter_map(|scope| scope.node.as_text().map(Into::into));
        Scheme { name: name.into(), kind, scopes: scopes.collect() }
    }
}

/// All operations of a document, unresolved.
fn operations(root: At<'_>) -> impl Iterator<Item = At<'_>> {
    let items = root.get("paths").into_iter().flat_map(At::members);
    items.flat_map(|(_, item)| item.members()).map(|(_, operation)| operation)
}

fn kind(at: At<'_>, report: &mut Report) -> SchemeKind {
    let text = |name| at.node.text(name).unwrap_or_default();
    let scheme = text("scheme").to_ascii_lowercase();
    match (text("type"), text("in"), &*scheme) {
        ("http", _, "basic") => SchemeKind::Basic,
        ("http", _, "bearer") => SchemeKind::Bearer,
        ("http", _, other) => SchemeKind::Http(other.into()),
        ("apiKey", "header", _) => SchemeKind::ApiKeyHeader(text("name").into()),
        ("apiKey", "cookie", _) => SchemeKind::ApiKeyCookie(text("name").into()),
        ("apiKey", "query", _) => SchemeKind::ApiKeyQuery(text("name").into()),
        ("oauth2", ..) => SchemeKind::OAuth2,
        ("openIdConnect", ..) => SchemeKind::OpenIdConnect,
        ("mutualTLS", ..) => SchemeKind::MutualTls,
        (other, ..) => {
            let warning = at.defect(
                format!("a security scheme of the type `{other}`"),
                "apiKey with `in` and `name`, http, oauth2, openIdConnect or mutualTLS",
                "correct the scheme; until then its proof is not recognised",
            );
            report.warn("security scheme", warning);
            SchemeKind::Undefined
        }
    }
}
