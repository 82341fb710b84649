//! The changes of an organization in memory by tech admins and the identity provider: load, plan, apply. A refused
//! change applies nothing.

use std::collections::{BTreeSet, HashMap};

use rollcall_domain::{
    Assignment, Email, Held, MemberId, MemberState, Phase, Plan, Refusal,
    assignments::{Edit, Proposal},
    directory::{CheckedRows, Context, Directory, KnownMember, MassChangeLimit, Mode, RawRows, SyncPlan, plan_sync},
    email_export::{MemberExport, Setting, Source},
    members::{MemberEdit, plan_edit, plan_move, plan_release},
    migration::{Holder, ImportPlan, LegacyMember, LegacyRow, MigrationPlan, check_rows, plan_import, plan_migration},
    seats::Claimant,
};

use super::{Org, Person, assignment, member, organization};

impl Org {
    pub(crate) fn create(&mut self, new: Assignment, position: Option<u32>) -> Result<Plan, Refusal> {
        let list = self.list();
        self.run(Proposal::create(&organization(), self.phase, &self.catalog, list, new, position, None))
    }

    pub(crate) fn update(&mut self, id: &str, edit: &Edit) -> Result<Plan, Refusal> {
        let (list, id) = (self.list(), assignment(id));
        self.run(Proposal::update(&organization(), self.phase, &self.catalog, list, &id, edit, None))
    }

    pub(crate) fn move_to(&mut self, id: &str, position: u32) -> Result<Plan, Refusal> {
        self.run(Proposal::move_to(self.phase, &self.list(), &assignment(id), position))
    }

    pub(crate) fn reorder(&mut self, ids: &[&str]) -> Result<Plan, Refusal> {
        let order: Vec<_> = ids.iter().map(|id| assignment(id)).collect();
        self.run(Proposal::reorder(self.phase, &self.list(), &order))
    }

    pub(crate) fn delete(&mut self, id: &str, resolve_members: bool) -> Result<Plan, Refusal> {
        let count = |has: &dyn Fn(&&Person) -> bool| {
            u32::try_from(self.people.values().filter(has).count()).unwrap_or(u32::MAX)
        };
        let id = assignment(id);
        let members = count(&|person| person.held.assignment == id);
        let pins = count(&|person| person.pin.as_ref() == Some(&id));
        let list = self.list();
        self.run(Proposal::delete(self.phase, list, &id, (members, pins), resolve_members))
    }

    /// Plans with the affected members, as the loader does, and checks that loading all members gives the same plan.
    fn run(&mut self, proposal: Result<Proposal, Refusal>) -> Result<Plan, Refusal> {
        self.minute += 1;
        let proposal = proposal?;
        let (summaries, now) = (self.summaries(), self.now());
        let concerned = self.concerned(proposal.list(), proposal.concerned());
        let everybody = self.states(proposal.list(), |_, _| true);
        let plan = proposal.clone().plan(&concerned, &summaries, now);
        let whole = proposal.plan(&everybody, &summaries, now);
        assert_eq!(plan, whole, "a change touches only the affected members");
        plan.inspect(|plan| self.apply_to(plan, &concerned))
    }

    /// Applies a plan that was made with these members.
    fn apply_to(&mut self, plan: &Plan, members: &[MemberState]) {
        let before = self.people.clone();
        self.apply(plan);
        self.check_claims(&before, Claimant::of_plan(plan, members));
    }

    pub(crate) fn edit_member(&mut self, id: &str, edit: MemberEdit) -> Result<Plan, Refusal> {
        self.minute += 1;
        let list = self.list();
        let wanted = member(id);
        let states = self.states(&list, |id, _| *id == wanted);
        let state = states.first().ok_or(Refusal::MemberNotFound(vec![wanted]))?;
        let (phase, now) = (self.phase, self.now());
        let plan = plan_edit(&organization(), phase, &self.catalog, &list, state, edit, now)?;
        self.apply_to(&plan, &states);
        Ok(plan)
    }

    pub(crate) fn move_members(&mut self, ids: &[&str], target: &str) -> Result<Plan, Refusal> {
        self.minute += 1;
        let list = self.list();
        let states = self.states(&list, |id, _| ids.contains(&id.as_str()));
        let (summaries, target) = (self.summaries(), assignment(target));
        let plan = plan_move(self.phase, &list, &states, &target, &summaries, self.now())?;
        self.apply_to(&plan, &states);
        Ok(plan)
    }

    pub(crate) fn release(&mut self, ids: &[&str]) -> Plan {
        self.minute += 1;
        let list = self.list();
        let states = self.states(&list, |id, _| ids.contains(&id.as_str()));
        let plan = plan_release(self.phase, &list, &states, &self.summaries(), self.now());
        self.apply_to(&plan, &states);
        plan
    }

    pub(crate) fn sync(&mut self, mode: Mode, rows: RawRows) -> Result<SyncPlan, Refusal> {
        self.sync_within(mode, rows, None)
    }

    /// Makes a sync with a limit. A DELTA sync loads what it names. Checks that loading all members gives the same
    /// plan.
    pub(crate) fn sync_within(
        &mut self,
        mode: Mode,
        rows: RawRows,
        limit: Option<MassChangeLimit>,
    ) -> Result<SyncPlan, Refusal> {
        self.minute += 1;
        let rows = CheckedRows::check(mode, rows)?;
        let (list, summaries) = (self.list(), self.summaries());
        let (phase, now) = (self.phase, self.now());
        let email_domains = &self.email_domains;
        let context = Context { phase, list: &list, summaries: &summaries, email_domains, limit, now };
        let directory = self.directory(|_, _| true);
        let whole = plan_sync(&rows, &directory, &context);
        if mode == Mode::Delta {
            let named: BTreeSet<MemberId> = rows.named_members().into_iter().cloned().collect();
            let emails: BTreeSet<Email> = rows.emails().cloned().collect();
            let part = self.directory(|id, person| {
                named.contains(id) || (person.active && emails.contains(&person.identity.email))
            });
            let part = plan_sync(&rows, &part, &context);
            assert_eq!(part, whole, "a DELTA sync touches only what it names");
        }
        let before = self.people.clone();
        whole.inspect(|sync| {
            self.apply_sync(sync);
            self.check_claims(&before, Claimant::of_sync(&sync.members, &sync.plan, &directory));
        })
    }

    fn directory(&self, loaded: impl Fn(&MemberId, &Person) -> bool) -> Directory {
        let known = |person: &Person| KnownMember {
            identity: person.identity.clone(),
            active: person.active,
            held: person.held.clone(),
            pin: person.pin.clone(),
            has_legacy: person.legacy.is_some(),
        };
        let people: Vec<_> = self.people.iter().filter(|(id, person)| loaded(id, person)).collect();
        let active = self.people.values().filter(|person| person.active).count();
        Directory {
            members: people.iter().map(|(id, person)| ((*id).clone(), known(person))).collect(),
            groups: self.groups.clone().into_iter().collect(),
            memberships: people.iter().map(|(id, person)| ((*id).clone(), person.groups.clone())).collect(),
            waiting: self.waiting.clone().into_iter().collect(),
            active_members: u32::try_from(active).unwrap_or(u32::MAX),
        }
    }

    fn apply_sync(&mut self, sync: &SyncPlan) {
        for group in &sync.groups {
            let known = rollcall_domain::directory::KnownGroup {
                display_name: group.display_name.clone(),
                present: group.present,
            };
            self.groups.insert(group.id.clone(), known);
        }
        let entered: HashMap<&MemberId, &Held> =
            sync.plan.members.iter().map(|change| (&change.member, &change.after)).collect();
        for upsert in &sync.members {
            let (identity, active) = (upsert.identity.clone(), upsert.active);
            if let Some(person) = self.people.get_mut(&upsert.id) {
                assert!(!upsert.is_new, "{} is known", upsert.id);
                (person.identity, person.active) = (identity, active);
                continue;
            }
            assert!(upsert.is_new, "{} is new", upsert.id);
            let held = entered.get(&upsert.id).copied().cloned();
            let held = held.unwrap_or_else(|| panic!("{} enters no assignment", upsert.id));
            let (pin, groups, legacy) = (None, BTreeSet::new(), None);
            let person = Person { identity, active, held, pin, groups, legacy };
            self.people.insert(upsert.id.clone(), person);
        }
        for (id, group) in &sync.removed {
            self.people.entry(id.clone()).and_modify(|p| assert!(p.groups.remove(group)));
        }
        for (id, group) in &sync.added {
            self.people.entry(id.clone()).and_modify(|p| assert!(p.groups.insert(group.clone())));
        }
        for (id, address, export) in &sync.bindings {
            assert_eq!(self.waiting.remove(address), Some(*export), "{address} was waiting");
            self.people.entry(id.clone()).and_modify(|p| p.legacy = Some(*export));
        }
        let old = sync.plan.members.iter().filter(|change| change.before.is_some()).cloned();
        self.apply(&Plan { members: old.collect(), ..sync.plan.clone() });
    }

    pub(crate) fn import(&mut self, rows: Vec<LegacyRow>) -> ImportPlan {
        let active_first = |active: bool| self.people.iter().filter(move |(_, p)| p.active == active);
        let mut holders = HashMap::new();
        for (id, person) in active_first(true).chain(active_first(false)) {
            let holder = Holder { member: id.clone(), legacy: person.legacy };
            holders.entry(person.identity.email.clone()).or_insert(holder);
        }
        let waiting = self.waiting.clone().into_iter().collect();
        let plan = plan_import(&check_rows(rows), &holders, &waiting);
        for (id, export) in &plan.bound {
            self.people.entry(id.clone()).and_modify(|person| person.legacy = Some(*export));
        }
        for address in &plan.no_longer_waiting {
            self.waiting.remove(address);
        }
        self.waiting.extend(plan.unmatched.iter().cloned());
        plan
    }

    pub(crate) fn migrate(&mut self) -> MigrationPlan {
        let legacy = |(id, person): (&MemberId, &Person)| LegacyMember {
            id: id.clone(),
            active: person.active,
            assignment: person.held.assignment.clone(),
            legacy: person.legacy,
        };
        let members: Vec<LegacyMember> = self.people.iter().map(legacy).collect();
        let plan = plan_migration(&self.list(), &members);
        for (id, setting) in &plan.members {
            let export = MemberExport { setting: *setting, source: Source::Migration };
            self.people.entry(id.clone()).and_modify(|p| p.held.export = Some(export));
        }
        for outcome in &plan.outcomes {
            let mut all = self.listed.iter_mut().chain([&mut self.default]);
            if let Some(found) = all.find(|a| a.id == outcome.assignment) {
                found.chosen = outcome.chosen;
            }
        }
        self.phase = Phase::Migrated;
        plan
    }

    /// Returns the effective setting of a member in either phase.
    pub(crate) fn effective(&self, person: &Person) -> Setting {
        match (self.phase, person.held.export) {
            (Phase::Migrated, Some(export)) => export.setting,
            _ => Setting::carried_over(person.legacy),
        }
    }
}
