//! Property tests of texts that callers send: names, tokens and masks. No text causes a panic, and each rendered value can
//! be parsed again. `PROPTEST_CASES` sets the number of cases.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::{prelude::*, test_runner::Config};
use prost_types::FieldMask;
use rollcall_domain::{AssignmentId, FieldSelection, GroupId, MemberId, OrganizationId, names};

use crate::{
    checks::Checks,
    masks::parse_mask,
    tokens::{self, PageTokens},
};

fn config() -> Config {
    Config { failure_persistence: None, ..Config::default() }
}

fn slug() -> impl Strategy<Value = String> {
    "[a-z]([a-z0-9-]{0,20}[a-z0-9])?"
}

/// An external id: 1 to 255 characters, none of them a control character.
fn external_id() -> impl Strategy<Value = String> {
    prop_oneof!["[^\\pC]{1,40}", "[/%@:+ .~?#&=a-f0-9]{1,20}", "\\PC{1,255}"]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_name_is_parsed_back(organization in slug(), assignment in slug(), id in external_id()) {
        let (organization, assignment) =
            (OrganizationId::parse(&organization).unwrap(), AssignmentId::parse(&assignment).unwrap());
        let (member, group) = (MemberId::parse(&id).unwrap(), GroupId::parse(&id).unwrap());
        let name = names::organization(&organization);
        prop_assert_eq!(names::parse_organization(&name), Ok(organization.clone()));
        let name = names::assignment(&organization, &assignment);
        prop_assert_eq!(names::parse_assignment(&name), Ok((organization.clone(), assignment)));
        let name = names::member(&organization, &member);
        prop_assert!(name.is_ascii() && name.matches('/').count() == 3, "{}", name);
        prop_assert_eq!(names::parse_member(&name), Ok((organization.clone(), member)));
        let name = names::group(&organization, &group);
        prop_assert_eq!(names::parse_group(&name), Ok((organization, group)));
    }

    #[test]
    fn any_text_is_a_name_or_a_violation_with_a_description(
        text in prop_oneof![any::<String>(), "(organizations/)?[a-z%/.-]{0,30}", "organizations/a/[a-z]{5,11}/\\PC{0,9}"]
    ) {
        if let Ok((organization, member)) = names::parse_member(&text) {
            let again = names::parse_member(&names::member(&organization, &member));
            prop_assert_eq!(again, Ok((organization, member)), "a parsed name can be rendered and parsed again");
        }
        for violation in [
            names::parse_organization(&text).err(),
            names::parse_assignment(&text).err(),
            names::parse_group(&text).err(),
            names::parse_singleton(&text, "catalog").err(),
            names::parse_job(&text).err(),
            names::parse_job_run(&text).err(),
            names::parse_report(&text).err(),
        ] {
            prop_assert!(violation.is_none_or(|violation| !violation.description.is_empty()));
        }
    }

    #[test]
    fn only_an_unchanged_page_token_is_read_back(
        key in prop::collection::vec(any::<u8>(), 1..40),
        parent in any::<String>(),
        cursor in any::<String>(),
        noise in any::<String>(),
        at in any::<prop::sample::Index>(),
        bits in 1..=255_u8,
    ) {
        let tokens = PageTokens::new(&key);
        let token = tokens.make("ListMembers", parent.as_bytes(), &cursor);
        let read = |token: &str| tokens.read("ListMembers", parent.as_bytes(), token);
        prop_assert_eq!(read(&token), Ok(Some(cursor.clone())));
        let other = format!("{parent}x");
        prop_assert!(tokens.read("ListGroups", parent.as_bytes(), &token).is_err());
        prop_assert!(tokens.read("ListMembers", other.as_bytes(), &token).is_err());
        let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        prop_assert!(read(&URL_SAFE_NO_PAD.encode(bytes)).is_err(), "one byte differs");
        prop_assert!(noise.is_empty() || noise == token || read(&noise).is_err());
    }

    #[test]
    fn a_revision_token_is_read_back(organization in slug(), other in slug(), revision in 0..i64::MAX, noise in any::<String>()) {
        let (organization, other) = (OrganizationId::trusted(organization), OrganizationId::trusted(other));
        let token = tokens::revision(&organization, revision);
        prop_assert_eq!(tokens::parse_revision(Some(&organization), &token), Ok(Some(revision)));
        prop_assert_eq!(tokens::parse_revision(None, &token), Ok(Some(revision)));
        prop_assert!(organization == other || tokens::parse_revision(Some(&other), &token).is_err());
        let read = tokens::parse_revision(Some(&organization), &noise);
        prop_assert!(noise.is_empty() || read.is_err());
    }

    #[test]
    fn a_mask_accepts_allowed_paths_only(
        paths in prop::collection::vec(
            prop_oneof![
                Just("display_name".to_owned()), Just("updateMode".to_owned()), Just("*".to_owned()), any::<String>(),
                "[a-z_.A-Z*]{0,12}",
            ],
            0..5,
        )
    ) {
        let allowed = ["display_name", "update_mode"];
        let good = |path: &&String| matches!(path.as_str(), "display_name" | "updateMode" | "update_mode" | "displayName" | "*");
        let mut checks = Checks::default();
        let mask = Some(FieldMask { paths: paths.clone() });
        let mask = parse_mask(&mut checks, mask, BTreeSet::new(), &allowed, |_| None);
        prop_assert_eq!(matches!(mask, FieldSelection::Populated(_)), paths.is_empty());
        prop_assert_eq!(checks.finish(Some(())).is_ok(), paths.iter().all(|path| good(&path)));
    }
}
