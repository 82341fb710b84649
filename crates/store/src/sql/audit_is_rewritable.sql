-- Whether the role of this connection may change or remove any of what only takes new rows. A superuser may everything.
SELECT bool_or(has_table_privilege(t.name, 'UPDATE, DELETE, TRUNCATE')) AS rewritable
FROM unnest(ARRAY['audit_events', 'audit_subjects', 'member_changes']) AS t (name)
