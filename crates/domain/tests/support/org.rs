//! An organization in memory: the data of a store, and the application of a plan.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rollcall_domain::{
    Assignment, AssignmentId, AssignmentList, Email, GroupId, Held, MemberId, MemberState, Phase, Plan, Scope,
    Settings, SettingsId, Timestamp,
    catalog::Catalog,
    directory::{Identity, KnownGroup, MassChangeLimit},
    email_export::{CheckSubject, Decision, EmailExport, MemberExport, Setting, Source, State, Summary, decide},
};

use super::{AssignmentBuilder, PersonBuilder, assignment, at, catalog, email, groups, member};

/// A member with all stored data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) identity: Identity,
    pub(crate) active: bool,
    pub(crate) held: Held,
    pub(crate) pin: Option<AssignmentId>,
    pub(crate) groups: BTreeSet<GroupId>,
    pub(crate) legacy: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Org {
    pub(crate) phase: Phase,
    pub(crate) catalog: Catalog,
    pub(crate) email_domains: Vec<String>,
    pub(crate) limit: MassChangeLimit,
    pub(crate) listed: Vec<Assignment>,
    pub(crate) default: Assignment,
    pub(crate) settings: BTreeMap<SettingsId, Settings>,
    pub(crate) groups: BTreeMap<GroupId, KnownGroup>,
    pub(crate) people: BTreeMap<MemberId, Person>,
    pub(crate) unmatched: BTreeMap<Email, bool>,
    /// The time in minutes. Each change is one minute after the previous one.
    pub(crate) minute: i64,
}

impl Org {
    pub(crate) fn new(phase: Phase, listed: Vec<AssignmentBuilder>) -> Self {
        let mut org = Self {
            phase,
            catalog: catalog(),
            email_domains: Vec::new(),
            limit: MassChangeLimit::default(),
            listed: Vec::new(),
            default: Assignment::new_default(phase),
            settings: BTreeMap::new(),
            groups: BTreeMap::new(),
            people: BTreeMap::new(),
            unmatched: BTreeMap::new(),
            minute: 0,
        };
        org.keep(&org.default.settings.clone());
        for builder in listed {
            org.list_assignment(builder.build());
        }
        org
    }

    /// Replaces the default assignment.
    pub(crate) fn with_default(mut self, change: impl FnOnce(&mut Assignment)) -> Self {
        change(&mut self.default);
        self.keep(&self.default.settings.clone());
        self
    }

    /// Adds a member.
    pub(crate) fn with(mut self, person: PersonBuilder) -> Self {
        let group_ids: Vec<&str> = person.groups.iter().map(String::as_str).collect();
        let group_ids = groups(&group_ids);
        for group in &group_ids {
            self.keep_group(group);
        }
        let first = self.first_match(&group_ids);
        let inside = person.inside.or(person.pin.clone()).map_or(first, |id| assignment(&id));
        let home = self.list().find(&inside).cloned();
        let home = home.unwrap_or_else(|| panic!("there is no assignment {inside}"));
        let given = person.setting.unwrap_or(match home.chosen {
            Some(EmailExport::Export) => super::since(0),
            _ => Setting::DoNotExport,
        });
        let export = MemberExport { setting: given, source: Source::Migration };
        let settings = person.seats.unwrap_or(home.settings);
        self.keep(&settings);
        let held = Held {
            assignment: inside,
            settings: settings.id(),
            export: (self.phase == Phase::Migrated).then_some(export),
        };
        let identity = Identity {
            email: email(&format!("{}@acme.example", person.id)),
            given_name: String::new(),
            family_name: String::new(),
            job_title: String::new(),
            manager_email: None,
        };
        let pin = person.pin.map(|id| assignment(&id));
        let (active, legacy) = (person.active, person.legacy);
        let person_id = member(&person.id);
        let stored = Person { identity, active, held, pin, groups: group_ids, legacy };
        self.people.insert(person_id, stored);
        self
    }

    fn list_assignment(&mut self, new: Assignment) {
        for group in &new.groups {
            self.keep_group(group);
        }
        self.keep(&new.settings);
        self.listed.push(new);
    }

    fn keep(&mut self, settings: &Settings) {
        self.settings.insert(settings.id(), settings.clone());
    }

    fn keep_group(&mut self, group: &GroupId) {
        let known = KnownGroup { display_name: group.to_string(), present: true };
        self.groups.entry(group.clone()).or_insert(known);
    }

    pub(crate) fn now(&self) -> Timestamp {
        at(self.minute)
    }

    pub(crate) fn list(&self) -> AssignmentList {
        AssignmentList::new(self.listed.clone(), self.default.clone())
    }

    /// Returns the first assignment that matches, without the code under test.
    pub(crate) fn first_match(&self, group_ids: &BTreeSet<GroupId>) -> AssignmentId {
        let matching = self.listed.iter().find(|a| !a.groups.is_disjoint(group_ids));
        matching.unwrap_or(&self.default).id.clone()
    }

    /// Returns members in the input format of the planner, with their ranks in `list`.
    pub(crate) fn states(
        &self,
        list: &AssignmentList,
        chosen: impl Fn(&MemberId, &Person) -> bool,
    ) -> Vec<MemberState> {
        let ranks = |person: &Person| {
            let matching = list.ranked().filter(|(_, a)| !a.groups.is_disjoint(&person.groups));
            matching.map(|(rank, _)| rank).collect()
        };
        let people = self.people.iter().filter(|(id, person)| chosen(id, person));
        let state = |(id, person): (&MemberId, &Person)| MemberState {
            id: id.clone(),
            active: person.active,
            held: Some(person.held.clone()),
            pin: person.pin.clone(),
            matching_ranks: ranks(person),
        };
        people.map(state).collect()
    }

    /// The members that a loader would load for a change of the list, without ranks where no member is resolved again.
    pub(crate) fn affected(&self, list: &AssignmentList, scope: Scope<'_>) -> Vec<MemberState> {
        match scope {
            Scope::Affected { of_assignment, in_groups, resolves } => {
                let mut states = self.states(list, |_, person| {
                    of_assignment == Some(&person.held.assignment) || !person.groups.is_disjoint(in_groups)
                });
                states.iter_mut().filter(|_| !resolves).for_each(|state| state.matching_ranks.clear());
                states
            }
            Scope::Overtaken(overtaken) => self.states(list, |_, person| {
                let rank = overtaken.assignments.get(&person.held.assignment);
                person.groups.iter().filter_map(|group| overtaken.groups.get(group)).any(|first| Some(first) < rank)
            }),
            other => panic!("not a change of the list: {other:?}"),
        }
    }

    /// Returns what the active members of each assignment without a chosen value have.
    pub(crate) fn export_states(&self) -> HashMap<AssignmentId, State> {
        let list = self.list();
        let unchosen = list.ranked().filter(|(_, a)| a.chosen.is_none());
        unchosen.map(|(_, a)| (a.id.clone(), self.summary(a.id.as_str()).state(None))).collect()
    }

    pub(crate) fn summary(&self, id: &str) -> Summary {
        let inside = self.people.values().filter(|person| person.held.assignment.as_str() == id);
        Summary::count(inside.map(|p| (p.active, p.held.export.map(|export| export.setting.value()))))
    }

    /// Applies a plan.
    pub(crate) fn apply(&mut self, plan: &Plan) {
        for settings in &plan.settings {
            self.keep(settings);
        }
        if let Some(saved) = &plan.saved {
            self.save(&saved.assignment);
        }
        if let Some(removed) = &plan.removed {
            self.listed.retain(|a| a.id != *removed);
        }
        if !plan.ranks.is_empty() {
            self.rank(&plan.ranks);
        }
        for change in plan.members.iter().filter(|change| change.before.is_some()) {
            let person = self.people.get_mut(&change.member);
            let person = person.unwrap_or_else(|| panic!("there is no member {}", change.member));
            assert_eq!(change.before.as_ref(), Some(&person.held), "{}: before", change.member);
            person.held = change.after.clone();
        }
        for id in &plan.unpinned {
            self.people.entry(id.clone()).and_modify(|person| person.pin = None);
        }
        if let Some(pins) = &plan.pinned {
            for id in &pins.members {
                let pin = Some(pins.assignment.clone());
                self.people.entry(id.clone()).and_modify(|person| person.pin = pin);
            }
        }
    }

    fn save(&mut self, saved: &Assignment) {
        let mut all = self.listed.iter_mut().chain([&mut self.default]);
        if let Some(current) = all.find(|a| a.id == saved.id) {
            *current = saved.clone();
            return;
        }
        drop(all);
        self.listed.push(saved.clone());
    }

    fn rank(&mut self, ranks: &[(AssignmentId, u32)]) {
        let order: HashMap<&AssignmentId, u32> = ranks.iter().map(|(id, rank)| (id, *rank)).collect();
        let dense: BTreeSet<u32> = order.values().copied().collect();
        let all = u32::try_from(self.listed.len() + 1).unwrap_or(u32::MAX);
        assert!(dense.into_iter().eq(1..=all), "ranks are dense: {ranks:?}");
        assert_eq!(order.get(&self.default.id), Some(&all), "the default is last");
        self.listed.sort_by_key(|a| order.get(&a.id).copied());
    }

    pub(crate) fn person(&self, id: &str) -> &Person {
        self.people.get(&member(id)).unwrap_or_else(|| panic!("there is no member {id}"))
    }

    pub(crate) fn home(&self, id: &str) -> &str {
        self.person(id).held.assignment.as_str()
    }

    pub(crate) fn setting(&self, id: &str) -> Option<Setting> {
        self.person(id).held.export.map(|export| export.setting)
    }

    pub(crate) fn seats(&self, id: &str) -> Vec<&str> {
        let settings = self.settings.get(&self.person(id).held.settings);
        let settings = settings.unwrap_or_else(|| panic!("the settings of {id} are not stored"));
        settings.seats.iter().map(String::as_str).collect()
    }

    pub(crate) fn pin(&self, id: &str) -> Option<&str> {
        self.person(id).pin.as_ref().map(AssignmentId::as_str)
    }

    pub(crate) fn assignment(&self, id: &str) -> Assignment {
        let found = self.list().find(&assignment(id)).cloned();
        found.unwrap_or_else(|| panic!("there is no assignment {id}"))
    }

    /// Returns all assignments in order.
    pub(crate) fn order(&self) -> Vec<String> {
        self.list().ranked().map(|(_, a)| a.id.to_string()).collect()
    }

    pub(crate) fn decide(&self, id: &str, sent: Option<Timestamp>) -> Decision {
        let subject = self.people.get(&member(id)).map(|person| CheckSubject {
            member: member(id),
            active: person.active,
            assignment: person.held.assignment.clone(),
            export: person.held.export,
            legacy: person.legacy,
        });
        decide(self.phase, subject, sent)
    }
}
