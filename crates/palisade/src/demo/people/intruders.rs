//! Visitors who are not meant to be where they are, and a scanner that gets nowhere.

use super::visitor::Visitor;

/// What scanners ask every server for. The shop has none of it.
pub(in super::super) const PROBES: &[&str] = &[
    "/.env",
    "/.git/config",
    "/.aws/credentials",
    "/admin",
    "/admin/login",
    "/actuator/env",
    "/actuator/heapdump",
    "/api/v1/users",
    "/backup.zip",
    "/cgi-bin/luci",
    "/config.json",
    "/console",
    "/debug/vars",
    "/graphql",
    "/login.php",
    "/phpmyadmin/index.php",
    "/server-status",
    "/swagger/index.html",
    "/v1/admin/users",
    "/v1/debug",
    "/v2/api-docs",
    "/wp-admin/setup-config.php",
    "/wp-login.php",
    "/xmlrpc.php",
];

/// Tries its whole list, some of it in two ways.
pub(super) async fn scanner(visitor: &mut Visitor) -> anyhow::Result<()> {
    for probe in PROBES {
        visitor.get(probe).await?;
        if visitor.random.chance(25) {
            visitor.ask("POST", probe, None).await?;
        }
        visitor.pause(0..3).await;
    }
    Ok(())
}

/// The attack: somebody remembers an export that is in no contract and asks for no credential.
pub(super) async fn insider(visitor: &mut Visitor) -> anyhow::Result<()> {
    for _ in 0..visitor.random.within(5..9) {
        visitor.get("/internal/export").await?;
        visitor.pause(20..45).await;
    }
    Ok(())
}

/// The attack: a link to a partner's figures goes around, and opens without the key.
pub(super) async fn spreadsheet(visitor: &mut Visitor) -> anyhow::Result<()> {
    let world = visitor.world();
    for _ in 0..visitor.random.within(4..9) {
        let export = *visitor.random.pick(&world.exports);
        visitor.get(&format!("/v1/partner/exports/{export}")).await?;
        visitor.pause(15..60).await;
    }
    Ok(())
}
