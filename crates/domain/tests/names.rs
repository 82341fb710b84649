//! Resource names: building and parsing them, and the names of earlier audit events.

use rollcall_domain::{
    GroupId, MemberId, OrganizationId,
    names::{
        audited_resource, check_organization, member, parse_group, parse_job, parse_job_run, parse_member, parse_report,
    },
};

const IDS: [&str; 7] = ["m0042", "a/b", "50%", "José Ñ", "user@corp:1+2", "?#[]", "日本"];

#[test]
fn external_ids_survive_the_way_into_a_name_and_back() {
    let organization = OrganizationId::trusted("acme");
    for id in IDS {
        let member_id = MemberId::parse(id).unwrap();
        let name = member(&organization, &member_id);
        assert_eq!(parse_member(&name), Ok((organization.clone(), member_id)), "{name}");
    }
}

#[test]
fn the_member_of_a_stored_audit_event_is_encoded_once() {
    let organization = OrganizationId::trusted("acme");
    for id in IDS.into_iter().chain(["a%41", "50%2f", "%zz"]) {
        let name = member(&organization, &MemberId::trusted(id));
        let unencoded = format!("organizations/acme/members/{id}");
        assert_eq!(audited_resource(&organization, &unencoded), name, "as earlier versions stored it");
        assert_eq!(audited_resource(&organization, &name), name);
    }
    for other in ["organizations/acme", "organizations/acme/members", "organizations/acme/assignments/sales"] {
        assert_eq!(audited_resource(&organization, other), other);
    }
}

#[test]
fn names_of_other_organizations_are_violations() {
    let (acme, other) = (OrganizationId::trusted("acme"), OrganizationId::trusted("other"));
    let name = "organizations/acme/groups/eng";
    assert_eq!(check_organization(Some(&acme), name, parse_group(name)), Ok(GroupId::trusted("eng")));
    assert_eq!(check_organization(None, name, parse_group(name)), Ok(GroupId::trusted("eng")));
    let violation = check_organization(Some(&other), name, parse_group(name)).unwrap_err();
    assert!(violation.description.contains("must be in organizations/other"), "{}", violation.description);
}

#[test]
fn malformed_names_say_the_form() {
    for name in [
        "",
        "organizations",
        "organizations/",
        "organizations/acme/members",
        "members/x",
        "organizations/acme/members/",
        "organizations/acme/members/%FF",
    ] {
        let violation = parse_member(name).unwrap_err();
        assert!(violation.description.contains("organizations/{organization}/members/{member}"), "{name}");
    }
}

#[test]
fn no_name_has_control_characters() {
    let run = "0193f0c4-0000-7000-8000-000000000000";
    assert_eq!(parse_report("reports/a-1"), Ok("a-1".to_owned()));
    for text in ["a\0b", "a%00b", "a\nb", "a\u{7f}"] {
        assert!(parse_member(&format!("organizations/acme/members/{text}")).is_err(), "{text:?}");
        assert!(parse_group(&format!("organizations/acme/groups/{text}")).is_err(), "{text:?}");
        assert!(parse_job(&format!("jobs/{text}")).is_err(), "{text:?}");
        assert!(parse_job_run(&format!("jobs/{text}/runs/{run}")).is_err(), "{text:?}");
        assert!(parse_report(&format!("reports/{text}")).is_err(), "{text:?}");
    }
}
