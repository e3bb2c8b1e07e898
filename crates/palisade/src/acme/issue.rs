//! One certificate: account, order, proof of every name, key, chain.

use std::time::Duration;

use gateway::challenges::Challenges;
use gateway::tls::{CertificateFacts, File};
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder,
    OrderStatus, RetryPolicy,
};

use super::Order;
use super::courier::Courier;

/// How long an authority may take to look at the proof, and then to issue.
const PATIENCE: Duration = Duration::from_secs(90);

/// How RFC 8555 §6.7 names an account that is gone.
const NO_ACCOUNT: &str = "accountDoesNotExist";

/// Why there is no certificate.
#[derive(Debug)]
pub(super) enum Failure {
    /// The authority said no, or its answer makes no sense.
    Refused(String),
    /// The authority did not answer.
    Unreachable(String),
}

impl Failure {
    pub(super) fn error(&self) -> &str {
        match self {
            Self::Refused(error) | Self::Unreachable(error) => error,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let told = error.to_string();
        match error {
            Error::Other(_) | Error::Timeout(_) | Error::Http(_) => Self::Unreachable(told),
            _ => Self::Refused(told),
        }
    }
}

fn ours(error: impl std::fmt::Display) -> Failure {
    Failure::Refused(error.to_string())
}

/// Orders the certificate and puts it on its shelf.
pub(super) async fn issue(order: &Order, challenges: &Challenges) -> Result<(), Failure> {
    let account = account(order).await?;
    let mut proofs = Proofs { challenges, tokens: Vec::new() };
    match certificate(order, &account, &mut proofs).await {
        Err(Error::Api(problem))
            if problem.r#type.as_deref().is_some_and(|kind| kind.ends_with(NO_ACCOUNT)) =>
        {
            // the next try begins with another one
            order.shelf.keep_account(None).map_err(ours)?;
            Err(Failure::Unreachable(format!("the account is gone: {problem}")))
        }
        Err(error) => Err(error.into()),
        Ok(pem) => {
            let name = order.acme.directory.clone();
            let file = File { name, bytes: pem.clone().into_bytes() };
            let facts = CertificateFacts::of(&file).map_err(ours)?;
            let missing = order.acme.domains.iter().find(|domain| !facts.names.contains(domain));
            if let Some(missing) = missing {
                return Err(Failure::Refused(format!("what was issued is not for {missing}")));
            }
            order.shelf.keep(&pem).map_err(ours)
        }
    }
}

/// The account on the shelf, or a new one. Who sets `domains` agrees to the authority's terms.
async fn account(order: &Order) -> Result<Account, Failure> {
    let courier = || Box::new(Courier::new(&order.connector));
    let known = order.shelf.account();
    let known = known.and_then(|known| serde_json::from_slice(&known).ok());
    if let Some(credentials) = known {
        return Ok(Account::builder_with_http(courier()).from_credentials(credentials).await?);
    }
    let contact = order.acme.email.as_ref().map(|email| format!("mailto:{email}"));
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let wanted = NewAccount {
        contact: &contact,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let builder = Account::builder_with_http(courier());
    let (account, credentials) =
        builder.create(&wanted, order.acme.directory.clone(), None).await?;
    let credentials = serde_json::to_vec(&credentials).map_err(ours)?;
    order.shelf.keep_account(Some(&credentials)).map_err(ours)?;
    Ok(account)
}

/// The chain with its key behind it.
async fn certificate(
    order: &Order,
    account: &Account,
    proofs: &mut Proofs<'_>,
) -> Result<String, Error> {
    let names = order.acme.domains.iter().map(|name| Identifier::Dns(name.clone()));
    let names: Vec<Identifier> = names.collect();
    let mut placed = account.new_order(&NewOrder::new(&names)).await?;
    let mut authorizations = placed.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status != AuthorizationStatus::Pending {
            continue;
        }
        let challenge = authorization.challenge(ChallengeType::Http01);
        let mut challenge = challenge.ok_or(Error::Unsupported("proof over HTTP"))?;
        proofs.show(&challenge.token, challenge.key_authorization().as_str());
        challenge.set_ready().await?;
    }
    let patience = RetryPolicy::new().timeout(PATIENCE);
    let status = placed.poll_ready(&patience).await?;
    if status != OrderStatus::Ready {
        return Err(Error::Str("a name could not be proved: is it served here, on port 80?"));
    }
    let key = placed.finalize().await?;
    let chain = placed.poll_certificate(&patience).await?;
    Ok(format!("{}\n{key}", chain.trim_end()))
}

/// What is shown to the authority, for as long as it looks.
struct Proofs<'c> {
    challenges: &'c Challenges,
    tokens: Vec<String>,
}

impl Proofs<'_> {
    fn show(&mut self, token: &str, answer: &str) {
        self.challenges.set(token, Some(answer));
        self.tokens.push(token.to_owned());
    }
}

impl Drop for Proofs<'_> {
    fn drop(&mut self) {
        self.tokens.iter().for_each(|token| self.challenges.set(token, None));
    }
}
