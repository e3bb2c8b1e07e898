//! Whether what a handshake has shown is enough for the host of a request.

use policy::Policy;
use policy::document::tls::{ClientNeed, ClientRule};

use super::Secured;

/// Why a request is not served on the connection that it came over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Turned {
    /// The handshake was for a host that asks for other certificates, or there was none:
    /// 421 (RFC 9110 §15.5.20), so that the client tries again on a connection of its own.
    Misdirected,
    /// The client's certificate is not one of those that the service admits: 403.
    Stranger,
}

/// What is asked of a client that wants this name.
#[must_use]
pub fn need(policy: &Policy, sni: Option<&str>) -> ClientNeed {
    rule(policy, sni).need
}

/// The rule of the service that a name belongs to. A client that names nothing reaches the
/// service for every host.
fn rule<'p>(policy: &'p Policy, sni: Option<&str>) -> &'p ClientRule {
    static OPEN: ClientRule = ClientRule::OPEN;
    let service = policy.service_for(sni.unwrap_or_default());
    service.and_then(|index| policy.services.get(index)).map_or(&OPEN, |service| &service.client)
}

/// Compares the rule under which the handshake took place with the one of the service that the
/// request is for. They must be the same: a host that asks for certificates would otherwise be
/// reached by way of one that does not, by name, by wildcard, or over a connection that HTTP/2
/// shares between hosts.
///
/// # Errors
/// Why the request is not served here.
pub fn admits(policy: &Policy, secured: Option<&Secured>, service: usize) -> Result<(), Turned> {
    let Some(asked) = policy.services.get(service).map(|service| &service.client) else {
        return Ok(());
    };
    let Some(secured) = secured else {
        let open = asked.need != ClientNeed::Required;
        return if open { Ok(()) } else { Err(Turned::Misdirected) };
    };
    if rule(policy, secured.sni.as_deref()) != asked {
        return Err(Turned::Misdirected);
    }
    match (&secured.client, asked.need) {
        (_, ClientNeed::Off) | (None, ClientNeed::Optional) => Ok(()),
        // the rule has changed since the handshake
        (None, ClientNeed::Required) => Err(Turned::Misdirected),
        (Some(client), _) => {
            let uri = client.san_uri.iter().map(String::as_str);
            let dns = client.san_dns.iter().map(String::as_str);
            if asked.allows(dns, uri, &client.spki_sha256) { Ok(()) } else { Err(Turned::Stranger) }
        }
    }
}
