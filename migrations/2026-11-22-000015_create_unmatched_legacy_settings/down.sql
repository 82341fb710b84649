DROP TABLE unmatched_legacy_settings;
