-- The day that it is for the tenant of the unit of work, in its own time zone and by the clock of the program.
-- CURRENT_DATE is that of the connection's time zone and says yesterday or tomorrow to half of the world.
-- Without a unit of work it is unknown: whatever is compared with it is then not so.
CREATE FUNCTION app.today() RETURNS date LANGUAGE sql STABLE PARALLEL SAFE
  RETURN (nullif(current_setting('app.moment', true), '')::timestamptz AT TIME ZONE nullif(current_setting('app.time_zone', true), ''))::date;
