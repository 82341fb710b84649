//! Directories and legacy settings with arbitrary rows: each row is accepted or rejected. The API shows accepted rows
//! unchanged, under a name from which they can be read.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, test_runner::TestRunner};
use rollcall_testkit::contract::Rpc;
use serde_json::{Value, json};

use crate::{Target, config};

/// A case makes several calls, so the number of cases is divided by this factor.
const HEAVIER: u32 = 5;

/// Generates a text that is mostly valid.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9 ._@:+-]{1,12}",
        4 => "\\PC{1,10}",
        1 => any::<String>(),
        1 => "[a-z%/?#éÑ日]{200,270}",
        1 => Just(String::new()),
    ]
}

fn email() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-zA-Z0-9.+]{1,8}@[a-z]{1,5}\\.example",
        2 => "\\PC{1,6}@\\PC{1,6}",
        1 => any::<String>(),
        1 => Just("same@x.example".to_owned()),
    ]
}

#[derive(Clone, Debug)]
struct Person {
    id: String,
    email: String,
    name: String,
    status: i32,
    group: String,
}

fn person() -> impl Strategy<Value = Person> {
    (text(), email(), text(), 0..4_i32, text()).prop_map(|(id, email, name, status, group)| Person {
        id,
        email,
        name,
        status,
        group,
    })
}

impl Target {
    fn answer(&self, rpc: &str, request: &Value) -> Result<Value, TestCaseError> {
        let answered = self.runtime.block_on(Rpc::find(rpc).call(&self.server.channel(), request));
        answered.map_err(|status| TestCaseError::fail(format!("{rpc} {request}: {status:?}")))
    }

    /// Creates a new organization.
    fn organization(&self, phase: &str) -> Result<String, TestCaseError> {
        let request = json!({ "organization": { "phase": phase } });
        let created = self.answer("OrganizationService/CreateOrganization", &request)?;
        Ok(created["organization"]["name"].as_str().unwrap().to_owned())
    }
}

fn heavy() -> proptest::test_runner::Config {
    let config = config();
    proptest::test_runner::Config { cases: (config.cases / HEAVIER).max(1), ..config }
}

fn sync_of(parent: &str, people: &[Person]) -> Value {
    let member = |person: &Person| {
        json!({
            "member": person.id, "email": person.email, "given_name": person.name, "job_title": person.name,
            "status": person.status,
        })
    };
    let groups: BTreeSet<&String> = people.iter().map(|person| &person.group).collect();
    json!({
        "parent": parent, "mode": "SYNC_MODE_FULL",
        "members": people.iter().map(member).collect::<Vec<_>>(),
        "groups": groups.iter().map(|group| json!({ "group": group })).collect::<Vec<_>>(),
        "memberships": people.iter().map(|p| json!({ "group": p.group, "member": p.id })).collect::<Vec<_>>(),
    })
}

/// Returns the id in a name, with the required percent-encoding.
fn id_in(name: &str) -> String {
    percent_encoding::percent_decode_str(name.rsplit('/').next().unwrap()).decode_utf8().unwrap().into_owned()
}

#[test]
fn a_row_of_a_sync_is_accepted_unchanged_or_rejected() {
    let target = Target::start();
    let people = prop::collection::vec(person(), 1..8);
    let played = TestRunner::new(heavy()).run(&people, |people| {
        let parent = target.organization("PHASE_MIGRATED")?;
        let request = sync_of(&parent, &people);
        let synced = target.answer("DirectoryService/SyncDirectory", &request)?;
        let keys = |kind: &str| -> BTreeSet<String> {
            let rejected = synced["rejected"].as_array().into_iter().flatten().filter(|row| row["kind"] == kind);
            rejected.map(|row| row["key"].as_str().unwrap_or_default().to_owned()).collect()
        };
        let (lost, lost_groups) = (keys("member"), keys("group"));
        let given: BTreeMap<&String, &Person> = people.iter().map(|person| (&person.id, person)).collect();
        let listed = target.answer("MemberService/ListMembers", &json!({ "parent": parent }))?;
        let mut shown = BTreeSet::new();
        for member in listed["members"].as_array().into_iter().flatten() {
            let name = member["name"].as_str().unwrap();
            let id = id_in(name);
            let person = given.get(&id).ok_or_else(|| TestCaseError::fail(format!("no row has the id {id:?}")))?;
            prop_assert_eq!(member["given_name"].as_str().unwrap_or_default(), &person.name);
            prop_assert_eq!(member["email"].as_str().unwrap_or_default(), person.email.to_lowercase());
            let found = target.answer("MemberService/GetMember", &json!({ "name": name }))?;
            prop_assert_eq!(&found["member"], member);
            shown.insert(id);
        }
        for id in given.keys() {
            prop_assert!(shown.contains(*id) != lost.contains(*id), "{:?} is neither taken nor rejected", id);
        }
        let listed = target.answer("DirectoryService/ListGroups", &json!({ "parent": parent }))?;
        let groups = listed["groups"].as_array().cloned().unwrap_or_default();
        let groups: BTreeSet<String> = groups.iter().map(|group| id_in(group["name"].as_str().unwrap())).collect();
        for group in people.iter().map(|person| &person.group) {
            prop_assert!(groups.contains(group) != lost_groups.contains(group), "{:?}", group);
        }
        for group in &groups {
            let name = format!("{parent}/groups/{}", percent_encode(group));
            target.answer("DirectoryService/GetGroup", &json!({ "name": name }))?;
        }
        // The same sync again changes nothing.
        let again = target.answer("DirectoryService/SyncDirectory", &request)?;
        prop_assert_eq!(&again["revision"], &synced["revision"]);
        prop_assert_eq!(&again["rejected"], &synced["rejected"]);
        check_export_equals_list(&target, &parent)
    });
    played.unwrap();
    target.end();
}

/// Percent-encodes every byte, which is more than required and names the same resource.
fn percent_encode(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Checks that the raw CSV contains every member with the listed values.
fn check_export_equals_list(target: &Target, parent: &str) -> Result<(), TestCaseError> {
    let request = json!({ "parent": parent, "profile": "CSV_PROFILE_RAW" });
    let csv = Rpc::find("MemberService/ExportMembersCsv");
    let bytes = prost::Message::encode_to_vec(&csv.request(&request));
    let piece = target.runtime.block_on(csv.call_bytes(&target.server.channel(), bytes)).unwrap();
    let piece = <rollcall_proto::v1::ExportMembersCsvResponse as prost::Message>::decode(piece.as_slice()).unwrap();
    let mut reader = csv::Reader::from_reader(piece.data.as_slice());
    let column = |name: &str, header: &csv::StringRecord| header.iter().position(|column| column == name).unwrap();
    let header = reader.headers().unwrap().clone();
    let (id, email, title) = (column("member", &header), column("email", &header), column("job_title", &header));
    let rows = reader.records().map(Result::unwrap);
    let rows: Vec<Value> = rows.map(|row| json!([row[id], row[email], row[title]])).collect();
    let listed = target.answer("MemberService/ListMembers", &json!({ "parent": parent }))?;
    let listed = listed["members"].as_array().cloned().unwrap_or_default().into_iter().map(|member| {
        let title = member["job_title"].as_str().unwrap_or_default();
        json!([id_in(member["name"].as_str().unwrap()), member["email"], title])
    });
    prop_assert_eq!(rows, listed.collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a_row_of_legacy_settings_is_bound_kept_counted_or_rejected() {
    let target = Target::start();
    let row = (email(), 0..4_i32);
    let rows = prop::collection::vec(row, 0..10);
    let played = TestRunner::new(heavy()).run(&rows, |rows| {
        let parent = target.organization("PHASE_LEGACY")?;
        let known = rows.iter().step_by(2).enumerate().map(|(number, (email, _))| Person {
            id: format!("m{number}"),
            email: email.clone(),
            name: String::new(),
            status: 1,
            group: "g".to_owned(),
        });
        target.answer("DirectoryService/SyncDirectory", &sync_of(&parent, &known.collect::<Vec<_>>()))?;
        let settings = rows.iter().map(|(email, value)| json!({ "email": email, "email_export": value }));
        let request = json!({ "parent": parent, "settings": settings.collect::<Vec<_>>() });
        let imported = target.answer("MigrationService/ImportLegacySettings", &request)?;
        let counts = ["bound_count", "unmatched_count", "duplicate_count", "rejected_count"];
        let counted: u64 = counts.iter().map(|count| imported[count].as_u64().unwrap_or_default()).sum();
        prop_assert_eq!(counted, u64::try_from(rows.len()).unwrap());
        let again = target.answer("MigrationService/ImportLegacySettings", &request)?;
        prop_assert_eq!(&again["revision"], &imported["revision"], "the same import again writes");
        Ok(())
    });
    played.unwrap();
    target.end();
}
