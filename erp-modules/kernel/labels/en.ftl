# Words that all modules share. A module's own message for the same thing comes first.

# Fields that every resource has.
kernel--id = ID
    .synonyms = identifier, key
kernel--version = Version
kernel--created_at = Created
    .synonyms = created at, creation date, entered
kernel--updated_at = Updated
    .synonyms = updated at, changed, last change, modified
kernel--archived_at = Archived at
kernel--archived = Archived
    .synonyms = deleted, removed, inactive
kernel--custom = Custom fields
    .synonyms = own fields, additional fields
kernel--count = Count
    .synonyms = number, number of, how many, amount of
kernel--allow_duplicate = Allow duplicate
    .synonyms = create anyway

# Who and where.
kernel--owner = Owner
    .synonyms = responsible, owned by, in charge
kernel--company = Company
    .synonyms = legal entity
kernel--department = Department
    .synonyms = division
kernel--user = User
    .synonyms = person
kernel--role = Role
    .synonyms = job
kernel--team = Team
kernel--contact = Contact
    .synonyms = contact person
kernel--customer = Customer
    .synonyms = client, buyer
kernel--supplier = Supplier
    .synonyms = vendor

# What a record says of itself.
kernel--name = Name
    .synonyms = title, called
kernel--title = Title
kernel--code = Code
    .synonyms = short name
kernel--number = Number
    .synonyms = no.
kernel--kind = Kind
    .synonyms = type, sort
kernel--type = Type
    .synonyms = kind
kernel--status = Status
    .synonyms = state
kernel--category = Category
    .synonyms = group
kernel--description = Description
kernel--note = Note
    .synonyms = remark, comment, notes
kernel--text = Text
kernel--label = Label
kernel--reason = Reason
    .synonyms = because, why
kernel--reference = Reference
kernel--position = Position
    .synonyms = order, place
kernel--active = Active
    .synonyms = enabled
kernel--enabled = Enabled
    .synonyms = on
kernel--priority = Priority
kernel--tags = Tags
kernel--synonyms = Synonyms
kernel--language = Language
kernel--time_zone = Time zone
kernel--lines = Lines
    .synonyms = items, positions
kernel--line = Line
    .synonyms = item
kernel--resource = Resource
    .synonyms = record type
kernel--command = Command
    .synonyms = action
kernel--source = Source
    .synonyms = origin
kernel--external_id = External ID
    .synonyms = foreign key

# Where somebody lives and how to reach them.
kernel--email = E-mail
    .synonyms = email, mail, mail address
kernel--phone = Phone
    .synonyms = telephone, telephone number, phone number
kernel--fax = Fax
kernel--website = Website
    .synonyms = homepage, web site
kernel--address = Address
kernel--street = Street
kernel--postal_code = Postal code
    .synonyms = zip, zip code, postcode
kernel--city = City
    .synonyms = town
kernel--region = Region
    .synonyms = state, province
kernel--country = Country

# Amounts.
kernel--amount = Amount
    .synonyms = sum
kernel--price = Price
kernel--unit_price = Unit price
    .synonyms = price each
kernel--currency = Currency
kernel--quantity = Quantity
    .synonyms = pieces, qty
kernel--unit = Unit
    .synonyms = unit of measure
kernel--total = Total
    .synonyms = sum
kernel--net = Net
kernel--tax = Tax
    .synonyms = VAT
kernel--discount = Discount
    .synonyms = rebate
kernel--rate = Rate
kernel--share = Share
    .synonyms = percentage

# Times.
kernel--date = Date
    .synonyms = day
kernel--day = Day
kernel--week = Week
kernel--month = Month
kernel--quarter = Quarter
kernel--year = Year
kernel--from = From
    .synonyms = since, starting
kernel--to = To
    .synonyms = until, up to
kernel--valid_from = Valid from
kernel--valid_to = Valid to
    .synonyms = valid until
kernel--due_date = Due date
    .synonyms = due
kernel--as_of = As of
    .synonyms = on
kernel--started_at = Started
kernel--finished_at = Finished
kernel--expires_at = Expires
    .synonyms = expiry

# Answers and states that doors show in their own sentences.
kernel-yes = yes
kernel-no = no
kernel-none = none
kernel-unknown = unknown
kernel-system = System

# Widths of a grant.
kernel-scope--own = own records
kernel-scope--team = own and team
kernel-scope--department = department
kernel-scope--company = company
kernel-scope--tenant = everything

# Doors through which a request comes.
kernel-door--rest = API
kernel-door--screen = screen
kernel-door--assistant = assistant
kernel-door--import = import
kernel-door--job = background job
kernel-door--cli = command line

# How a command ended, and what can go wrong with it.
kernel-outcome--done = done
kernel-outcome--refused = refused
kernel-outcome--failed = failed
kernel-risk--low = low risk
kernel-risk--high = high risk
kernel-risk--human_only = only by a person

# What happened to a row.
kernel-operation--i = created
kernel-operation--u = changed
kernel-operation--d = deleted

# Comparisons of filters.
kernel-op--eq = is
kernel-op--ne = is not
kernel-op--lt = less than
kernel-op--lte = at most
kernel-op--gt = more than
kernel-op--gte = at least
kernel-op--in = one of
kernel-op--starts = starts with
kernel-op--null = is empty

# Periods that are named from today.
kernel-period--today = today
kernel-period--yesterday = yesterday
kernel-period--tomorrow = tomorrow
kernel-period--this_week = this week
kernel-period--last_week = last week
kernel-period--next_week = next week
kernel-period--this_month = this month
kernel-period--last_month = last month
kernel-period--next_month = next month
kernel-period--this_quarter = this quarter
kernel-period--last_quarter = last quarter
kernel-period--next_quarter = next quarter
kernel-period--this_year = this year
kernel-period--last_year = last year
kernel-period--next_year = next year
kernel-period--month_to_date = month to date
kernel-period--year_to_date = year to date

# The stable codes of errors, as a heading.
kernel-error--invalid_input = The input is not valid
kernel-error--bad_request = The request cannot be read
kernel-error--unauthenticated = Please log in
kernel-error--forbidden = You may not do this
kernel-error--not_entitled = Not part of your plan
kernel-error--not_found = Not found
kernel-error--unknown_name = There is no such thing
kernel-error--conflict = The state of the record does not allow this
kernel-error--duplicate = A record like this exists already
kernel-error--idempotency_mismatch = The same key was used for something else
kernel-error--version_mismatch = Somebody changed the record in the meantime
kernel-error--confirmation_required = A person has to confirm this
kernel-error--interactive_session_required = Only a person who is logged in may do this
kernel-error--too_large = Too large
kernel-error--rate_limited = Too many requests
kernel-error--busy = Busy, please try again
kernel-error--moved = Being moved, please try again
kernel-error--internal = Something went wrong on our side

# What the module refuses, by its stable reasons.
kernel-warning-would_fail = { $name } would fail ({ $reason })
kernel-refused--already_undone = this was undone already
kernel-refused--changed_since = the record was changed since, and undoing this would overwrite that
kernel-refused--effects_changed = what this would do has changed since it was previewed, look at it again
kernel-refused--foreign_company = a record of another company than the document's would be needed
kernel-refused--out_of_scope--create = you may not create this record for somebody else's area
kernel-refused--out_of_scope--area = this lies outside of the area that you manage
kernel-refused--external_id_taken = an external id was brought in already
actions-refused--human_only = this can only be done by a person in the screens
