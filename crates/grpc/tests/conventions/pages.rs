//! Pages (AIP-158): sizes and tokens. The pages together are the list.

use std::collections::BTreeMap;

use rollcall_testkit::contract::Rpc;
use serde_json::Value;

use crate::walk::{OTHER, PreparedCall, Walk, with};

/// RPCs that list under another name than `List...`.
const ALSO_LISTS: [&str; 3] =
    ["AssignmentService/LintAssignments", "MemberService/ExplainMember", "MigrationService/PlanMigration"];

fn pages(rpc: &Rpc) -> bool {
    rpc.takes("page_size")
}

#[test]
fn every_paged_rpc_has_a_token_and_a_next_token() {
    for rpc in Rpc::all() {
        let lists = rpc.method().name().starts_with("List") || ALSO_LISTS.contains(&rpc.name().as_str());
        assert_eq!(rpc.takes("page_size"), lists, "{}", rpc.name());
        assert_eq!(rpc.takes("page_size"), rpc.takes("page_token"), "{}", rpc.name());
        assert_eq!(rpc.takes("page_size"), rpc.answers("next_page_token"), "{}", rpc.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_sizes_are_defaulted_lowered_and_refused() {
    let mut walk = Walk::start().await;
    for sample in Walk::samples(pages) {
        let Some(prepared) = walk.prepare(sample).await else { continue };
        walk.bad_field(&prepared, &with(&prepared.request, "/page_size", -1), "page_size", "negative").await;
        let Some(usual) = walk.answer(&prepared, &prepared.request, "without a size").await else { continue };
        let usual = items(&prepared, &usual);
        for size in [0, 1_000, 1_001, i32::MAX] {
            let request = with(&prepared.request, "/page_size", size);
            let answer = walk.answer(&prepared, &request, &format!("a size of {size}")).await.unwrap_or_default();
            walk.check(
                items(&prepared, &answer) == usual,
                &prepared,
                &format!("a size of {size} answers another list"),
            );
        }
    }
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_together_are_the_list() {
    let mut walk = Walk::start().await;
    let mut longest: BTreeMap<&str, usize> = BTreeMap::new();
    for sample in Walk::samples(pages) {
        let Some(prepared) = walk.prepare(sample).await else { continue };
        let Some(whole) = walk.answer(&prepared, &prepared.request, "the whole list").await else { continue };
        let (mut paged, mut token) = (Vec::new(), String::new());
        for size in [1, 2].into_iter().cycle() {
            let request = with(&with(&prepared.request, "/page_size", size), "/page_token", token.as_str());
            let Some(page) = walk.answer(&prepared, &request, "a page").await else { break };
            let items = items(&prepared, &page);
            walk.check(items.len() <= size, &prepared, &format!("a page of {size} has {} items", items.len()));
            paged.extend(items);
            token = token_of(&page);
            if token.is_empty() {
                break;
            }
        }
        let whole = items(&prepared, &whole);
        walk.check(paged == whole, &prepared, &format!("the pages put together are {paged:?}, and the list {whole:?}"));
        let length = longest.entry(sample.rpc).or_default();
        *length = paged.len().max(*length);
    }
    for (rpc, length) in longest {
        assert!(length >= 2, "{rpc}: the sample's list has {length} items, which are no pages");
    }
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_is_valid_only_for_its_list() {
    let mut walk = Walk::start().await;
    let mut tokens: Vec<(PreparedCall, String)> = Vec::new();
    for sample in Walk::samples(pages) {
        let Some(prepared) = walk.prepare(sample).await else { continue };
        let Some(first) = walk.answer(&prepared, &with(&prepared.request, "/page_size", 1), "a first page").await
        else {
            continue;
        };
        let token = token_of(&first);
        if !token.is_empty() {
            tokens.push((prepared, token));
        }
    }
    for (number, (prepared, token)) in tokens.iter().enumerate() {
        let foreign = &tokens[(number + 1) % tokens.len()].1;
        let bad = ["nonsense", "!", &token[1..], &token[..token.len() - 1], &format!("{token}AA"), foreign];
        for bad in bad {
            let request = with(&prepared.request, "/page_token", bad);
            walk.bad_field(prepared, &request, "page_token", &format!("`{bad}`, not `{token}`")).await;
        }
        let text = prepared.request.to_string();
        let elsewhere = text.replace(&format!("organizations/{}", prepared.id), &format!("organizations/{OTHER}"));
        let elsewhere = elsewhere.replace("jobs/mixed-settings-report", "jobs/-");
        if elsewhere != text {
            let request = with(&serde_json::from_str(&elsewhere).unwrap(), "/page_token", token.as_str());
            walk.bad_field(prepared, &request, "page_token", "of another list").await;
        }
    }
    assert!(tokens.len() >= 4, "{}", tokens.len());
    walk.end().await;
}

/// Returns the items of a page: the first repeated message field.
fn items(prepared: &PreparedCall, page: &Value) -> Vec<Value> {
    let field = prepared.rpc.output().fields().find(|field| field.is_list() && field.kind().as_message().is_some());
    page[field.unwrap().name()].as_array().cloned().unwrap_or_default()
}

fn token_of(page: &Value) -> String {
    page["next_page_token"].as_str().unwrap_or_default().to_owned()
}
