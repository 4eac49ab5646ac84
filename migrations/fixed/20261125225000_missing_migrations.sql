-- What those who serve may ask of the state of the database: how many of the migrations that they were built with are not
-- applied, of the database and of every placement. The bookkeeping itself stays the owner's.
CREATE FUNCTION control.missing_migrations(of_database bigint[], of_placements bigint[]) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE place text; missing bigint; of_one bigint;
BEGIN
  SELECT count(*) INTO missing FROM unnest(of_database) AS wanted (version)
   WHERE NOT EXISTS (SELECT FROM public._sqlx_migrations m WHERE m.version = wanted.version AND m.success);
  FOR place IN SELECT 'pooled' UNION SELECT t.schema FROM control.tenant t LOOP
    IF to_regclass(format('%I._sqlx_migrations', place)) IS NULL THEN
      missing := missing + cardinality(of_placements);
    ELSE
      EXECUTE format('SELECT count(*) FROM unnest($1) AS wanted (version)
                       WHERE NOT EXISTS (SELECT FROM %I._sqlx_migrations m WHERE m.version = wanted.version AND m.success)', place)
         INTO of_one USING of_placements;
      missing := missing + of_one;
    END IF;
  END LOOP;
  RETURN missing;
END $$;
REVOKE ALL ON FUNCTION control.missing_migrations FROM PUBLIC;
GRANT EXECUTE ON FUNCTION control.missing_migrations TO steward_app;
