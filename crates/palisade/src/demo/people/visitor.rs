//! A visitor: a connection, a credential, and a watch that goes by the time of the play.

use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::super::random::Random;
use super::super::world::{Customer, World};
use super::caller::{Answer, Ask, Caller};
use super::{END, Play};

/// What a visitor shows with every request.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    None,
    Bearer(String),
    Key(String),
    Session(String),
}

/// Somebody who comes by.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) random: Random,
    pub(super) credential: Credential,
    play: Arc<Play>,
    caller: Caller,
    agent: &'static str,
    /// Seconds of the play.
    now: usize,
}

impl Visitor {
    pub(super) fn new(
        play: Arc<Play>,
        random: Random,
        from: Ipv4Addr,
        agent: &'static str,
    ) -> Self {
        Self {
            random,
            credential: Credential::None,
            caller: Caller::new(play.gateway, from),
            play,
            agent,
            now: 0,
        }
    }

    pub(super) fn world(&self) -> Arc<World> {
        Arc::clone(&self.play.world)
    }

    /// True when the play is over: then visitors leave.
    pub(super) fn is_over(&self) -> bool {
        self.now >= END
    }

    /// Thinks for some seconds of the play.
    pub(super) async fn pause(&mut self, seconds: Range<usize>) {
        self.now += self.random.within(seconds);
        self.play.reach(self.now.min(END)).await;
    }

    pub(super) async fn get(&mut self, target: &str) -> anyhow::Result<Answer> {
        self.ask("GET", target, None).await
    }

    pub(super) async fn post(&mut self, target: &str, body: Value) -> anyhow::Result<Answer> {
        self.ask("POST", target, Some(body)).await
    }

    pub(super) async fn ask(
        &mut self,
        method: &str,
        target: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Answer> {
        let mut fields = vec![("user-agent", self.agent.to_owned())];
        match &self.credential {
            Credential::None => {}
            Credential::Bearer(token) => fields.push(("authorization", format!("Bearer {token}"))),
            Credential::Key(key) => fields.push(("x-api-key", key.clone())),
            Credential::Session(id) => fields.push(("cookie", format!("theme=light; sid={id}"))),
        }
        self.send(Ask { method, target, body, fields }).await
    }

    /// What a browser sends before it lets a page of another origin write.
    pub(super) async fn preflight(&mut self, target: &str) -> anyhow::Result<()> {
        let fields = vec![
            ("user-agent", self.agent.to_owned()),
            ("origin", "https://shop.example".to_owned()),
            ("access-control-request-method", "POST".to_owned()),
            ("access-control-request-headers", "content-type".to_owned()),
        ];
        self.send(Ask { method: "OPTIONS", target, body: None, fields }).await?;
        Ok(())
    }

    async fn send(&mut self, ask: Ask<'_>) -> anyhow::Result<Answer> {
        let answer = self.caller.ask(&ask).await?;
        self.play.asked.fetch_add(1, Ordering::Relaxed);
        Ok(answer)
    }

    /// Signs in, now and then with a typing error first. Returns the token for apps.
    pub(super) async fn sign_in(&mut self, customer: &Customer) -> anyhow::Result<Option<String>> {
        if self.random.chance(15) {
            let wrong = json!({ "email": customer.email, "password": "something-else" });
            self.post("/v1/login", wrong).await?;
            self.pause(4..15).await;
        }
        let right = json!({ "email": customer.email, "password": customer.password });
        let answer = self.post("/v1/login", right).await?;
        Ok(answer.text("/access_token"))
    }
}
