module-platform = Administration
    .synonyms = platform, settings, administration

platform-custom_field = Own field
    .plural = Own fields
    .description = A field that this tenant added to a resource; it appears in lists, forms, answers and the API.
    .synonyms = custom fields, custom field, additional field, additional fields
platform-custom_field--resource = Resource
platform-custom_field--name = Technical name
platform-custom_field--kind = Kind
    .synonyms = type
platform-custom_field--kind--text = text
platform-custom_field--kind--long_text = long text
platform-custom_field--kind--boolean = yes or no
platform-custom_field--kind--integer = whole number
platform-custom_field--kind--decimal = decimal number
platform-custom_field--kind--date = date
platform-custom_field--kind--choice = choice
platform-custom_field--choices = Choices
platform-custom_field--required = Required
    .synonyms = mandatory
platform-custom_field--label = Label
platform-custom_field--label_de = Label in German
platform-custom_field--position = Position
platform-custom_field--custom_field = Own field

platform-custom_field-create = Add own field
    .description = Adds a field to a resource. An archived one of the same name and kind comes back with its values.
    .examples = Add a field color of kind text to crm.party | Add a choice field region to sales.order
platform-custom_field-archive = Archive own field
    .description = Takes the field out of lists, forms and answers. Its values stay stored.
    .examples = Archive the field color | Remove the own field region

platform-command_risk = Class of a command
    .plural = Classes of commands
    .description = A command that this tenant holds to be more dangerous than its module says.
    .synonyms = risk class, risk classes, command risk
platform-command_risk--command = Command
platform-command_risk--risk = Class
    .synonyms = risk
platform-command_risk--risk--high = high: nothing of it runs without confirmation
platform-command_risk--risk--human_only = for persons only: no assistant and no program
platform-command_risk--command_risk = Class of a command

platform-command_risk-tighten = Tighten command
    .description = Gives a command a stricter class in this tenant: high, or for persons only, so that no assistant may propose it and no program run it.
platform-command_risk-relax = Lift tightening
    .description = Gives a command back the class that its module says.

platform-settings = Settings
    .plural = Settings
    .description = Time zone, language and fiscal year of this tenant.
    .synonyms = tenant settings, configuration, preferences
platform-settings--name = Name
platform-settings--plan = Plan
platform-settings--time_zone = Time zone
platform-settings--language = Language
platform-settings--language--en = English
platform-settings--language--de = German
platform-settings--fiscal_year_month = First month of the fiscal year
    .synonyms = fiscal year
platform-settings--settings = Settings
platform-settings--delivery = Delivery

platform-settings-update = Change settings
    .description = Changes time zone, language or the first month of the fiscal year for everybody.
    .examples = Set the time zone to Europe/Berlin | Let the fiscal year begin in April

platform-delivery-retry = Retry delivery
    .description = Gives a failed delivery of an event a new set of attempts.
    .examples = Retry the delivery inventory.on_order_cancelled/1234/2 | Deliver inventory.on_order_cancelled/1234/2 again

platform-report-audit = Audit
    .description = Who did or tried what, when, through which door, with which outcome; the newest 500 entries.
    .synonyms = audit log, audit trail, protocol
    .examples = Show the audit | What was refused today? | Who did what last week?
platform-report-audit--from = From
platform-report-audit--to = To
platform-report-audit--at = When
platform-report-audit--user = User
platform-report-audit--command = Command
platform-report-audit--outcome = Outcome
platform-report-audit--outcome--done = done
platform-report-audit--outcome--refused = refused
platform-report-audit--outcome--failed = failed
platform-report-audit--code = Code
platform-report-audit--resource = Resource
platform-report-audit--record = Record
platform-report-audit--door = Door
platform-report-audit--nested_in = Part of
platform-report-audit--correlation = Correlation

platform-report-deliveries = Failed deliveries
    .description = Events that could not be delivered: those that are tried again and those that wait for a person.
    .synonyms = dead letters, failed events
    .examples = Which deliveries failed? | Show the dead letters
platform-report-deliveries--dead = Waits for a person
platform-report-deliveries--delivery = Delivery
platform-report-deliveries--event = Event
platform-report-deliveries--code = Code
platform-report-deliveries--attempts = Attempts
platform-report-deliveries--failed_at = Failed
platform-report-deliveries--next_attempt_at = Next attempt
platform-report-deliveries--dead_at = Given up

# What the module refuses, by its stable reasons.
platform-refused--archived = the field is archived already
platform-refused--name_taken--field = the resource has this field already
platform-refused--name_taken--archived = a field of this name and the kind { $kind } was archived, and its values are still there
platform-refused--not_tighter = { $command } is in this class or a stricter one already: a class can be tightened, never loosened
platform-refused--same_class = the command has this class already
