//! The tables that are queried through diesel's query builder. A test compares them with the
//! migrated schema.

diesel::table! {
    organizations (id) {
        id -> Text,
        uid -> Uuid,
        display_name -> Text,
        phase -> Text,
        mass_change_members -> Integer,
        mass_change_percent -> Integer,
        catalog -> Jsonb,
        catalog_revision -> BigInt,
        revision -> BigInt,
        updated_revision -> BigInt,
        last_write_at -> Timestamptz,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        email_domains -> Array<Text>,
        wave -> Integer,
    }
}

diesel::table! {
    members (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        email -> Text,
        given_name -> Text,
        family_name -> Text,
        job_title -> Text,
        manager_email -> Nullable<Text>,
        active -> Bool,
        assignment_id -> Text,
        settings_id -> Uuid,
        email_export -> Nullable<Text>,
        email_export_since -> Nullable<Timestamptz>,
        email_export_source -> Nullable<Text>,
        legacy_email_export -> Nullable<Bool>,
        updated_revision -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    groups (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        display_name -> Text,
        present -> Bool,
    }
}

diesel::table! {
    settings_migrations (organization_id) {
        organization_id -> Text,
        state -> Text,
        failure -> Nullable<Text>,
        proof -> Nullable<Jsonb>,
        outcomes -> Jsonb,
        updated_at -> Timestamptz,
        chosen_assignment -> Nullable<Text>,
    }
}

diesel::table! {
    jobs (name) {
        name -> Text,
        scheduled_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    job_runs (id) {
        id -> Uuid,
        job -> Text,
        scheduled_for -> Timestamptz,
        state -> Text,
        attempt -> Integer,
        fence -> BigInt,
        not_before -> Timestamptz,
        lease_until -> Nullable<Timestamptz>,
        started_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        // No longer used: a run keeps its progress in `outcome`, and in what its effects wrote.
        position -> Nullable<Text>,
        outcome -> Jsonb,
        failure -> Nullable<Text>,
        report -> Nullable<Text>,
        cancel_requested_at -> Nullable<Timestamptz>,
        began_with -> Jsonb,
    }
}

diesel::table! {
    reports (id) {
        id -> Text,
        run_id -> Uuid,
        path -> Text,
        data_as_of -> Timestamptz,
        published_at -> Timestamptz,
        row_count -> BigInt,
        byte_count -> BigInt,
        sha256 -> Text,
        organization_count -> Integer,
        legacy_organization_count -> Integer,
        mixed_assignment_count -> Integer,
        files -> Jsonb,
    }
}

diesel::table! {
    requests (organization_id, id) {
        organization_id -> Text,
        id -> Uuid,
        fingerprint -> Bytea,
        response -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    installation (id) {
        id -> Bool,
        page_token_key -> Bytea,
    }
}

diesel::allow_tables_to_appear_in_same_query!(organizations, members);
diesel::allow_tables_to_appear_in_same_query!(job_runs, reports);
