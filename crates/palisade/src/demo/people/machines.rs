//! Machines with honest work: partners, a search engine's crawler, a monitor.

use serde_json::json;

use super::visitor::{Credential, Visitor};

/// Fetches the feed and reports what is in stock.
pub(super) async fn partner(visitor: &mut Visitor) -> anyhow::Result<()> {
    let world = visitor.world();
    visitor.credential = Credential::Key(world.partners[0].key.clone());
    while !visitor.is_over() {
        visitor.get("/v1/partner/feed").await?;
        for _ in 0..visitor.random.within(1..4) {
            let product = &visitor.random.pick(&world.products).id;
            let stock = json!({ "available": visitor.random.below(60) });
            visitor.ask("PUT", &format!("/v1/partner/stock/{product}"), Some(stock)).await?;
        }
        visitor.pause(9..12).await;
    }
    Ok(())
}

/// The fault: the same, by a script of long ago that puts its key into the URL.
pub(super) async fn partner_with_key_in_url(visitor: &mut Visitor) -> anyhow::Result<()> {
    let world = visitor.world();
    let target = format!("/v1/partner/feed?api_key={}", world.partners[1].key);
    while !visitor.is_over() {
        visitor.get(&target).await?;
        visitor.pause(28..33).await;
    }
    Ok(())
}

/// Walks the whole catalogue, and much that is no longer there.
pub(super) async fn crawler(visitor: &mut Visitor) -> anyhow::Result<()> {
    let world = visitor.world();
    for target in ["/robots.txt", "/sitemap.xml", "/v1/categories", "/v1/categories/garden"] {
        visitor.get(target).await?;
    }
    let mut ids: Vec<&String> = world.products.iter().map(|product| &product.id).collect();
    ids.extend(&world.retired);
    while !visitor.is_over() && !ids.is_empty() {
        let id = ids.swap_remove(visitor.random.below(ids.len()));
        if visitor.random.chance(20) {
            // has it changed since last time?
            visitor.ask("HEAD", &format!("/v1/products/{id}"), None).await?;
        }
        visitor.get(&format!("/v1/products/{id}")).await?;
        visitor.pause(1..4).await;
    }
    Ok(())
}

/// Asks whether the shop is up, and needs no credential for it.
pub(super) async fn monitor(visitor: &mut Visitor) -> anyhow::Result<()> {
    while !visitor.is_over() {
        visitor.get("/health").await?;
        visitor.pause(10..11).await;
    }
    Ok(())
}
