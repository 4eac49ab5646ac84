module-identity = People and rights
    .synonyms = users, organisation, administration

role-administrator = Administrator
role-employee = Employee

# Users
identity-user = User
    .plural = Users
    .description = A person who works with Steward: where he stands in the organisation and whom he reports to.
    .synonyms = users, employee, employees, colleague, colleagues, staff, person, people, member of staff
identity-user--number = Employee number
    .synonyms = number, staff number, personnel number
identity-user--name = Name
    .synonyms = full name, called
identity-user--email = E-mail address
    .synonyms = email, e-mail, mail, log-in
identity-user--position = Position
    .synonyms = job title, title, function
identity-user--language = Language
identity-user--language--en = English
identity-user--language--de = German
identity-user--company = Company
identity-user--department = Department
    .synonyms = division
identity-user--manager = Reports to
    .synonyms = manager, supervisor, boss, superior, report to, reports to
identity-user--active = Active
    .synonyms = works here, enabled
identity-user--user = User
identity-user--password = Password
identity-user--role = Role
identity-user-filter--has_reports = Has people below
    .synonyms = manager, leads a team

identity-user-create = Add user
    .description = Adds a person. What the person may do comes by roles, which are assigned afterwards.
    .examples = Add a user Nancy Davolio with the e-mail address nancy@example.com | Create a user for Anne Dodsworth
identity-user-update = Change user
    .description = Changes what is known of a person: name, address, position, language, company or department.
    .examples = Change the position of Nancy Davolio to Sales Manager | Move Anne Dodsworth to the department Sales
identity-user-deactivate = Deactivate user
    .description = The person can no longer log in; log-ins and keys end at once. What the person did stays.
    .examples = Deactivate the user Nancy Davolio | Lock out Anne Dodsworth
identity-user-reactivate = Reactivate user
    .description = The person can log in again.
    .examples = Reactivate the user Nancy Davolio | Let Anne Dodsworth in again
identity-user-set_password = Set password
    .description = Sets a new password of at least ten characters and ends the person's other log-ins.
identity-user-set_manager = Set line of report
    .description = Says whom a person reports to. Grants of the width team follow these lines.
    .examples = Let Nancy Davolio report to Andrew Fuller | Andrew Fuller is the manager of Janet Leverling
identity-user-assign_role = Assign role
    .description = Gives a person a role with all that it grants, from the next request on.
identity-user-withdraw_role = Withdraw role
    .description = Takes a role away from a person, from the next request on.
identity-user-add_company = Add company to user
    .description = The person works for this company as well.
identity-user-remove_company = Remove company from user
    .description = The person works for this company no longer; the default company stays.

identity-user_company = Further company
    .plural = Further companies
    .description = A company that a person works for beside the default one.
identity-user_company--user = User
identity-user_company--company = Company

identity-user_role = Role of a user
    .plural = Roles of users
    .description = That a person has a role.
    .synonyms = assigned roles
identity-user_role--user = User
identity-user_role--role = Role

# Roles
identity-role = Role
    .plural = Roles
    .description = A named set of permissions, each with a width.
    .synonyms = roles, permission set, rights
identity-role--name = Name
identity-role--builtin = Kept by the house
    .description = This role always holds every permission and cannot be changed.
identity-role--role = Role
identity-role--permission = Permission
    .synonyms = right
identity-role--scope = Width
    .synonyms = scope
identity-role--scope--own = own
identity-role--scope--team = team
identity-role--scope--department = department
identity-role--scope--company = company
identity-role--scope--tenant = everything

identity-role-create = Add role
    .description = Adds a role that grants nothing yet.
    .examples = Add a role named Auditor | Create the role Warehouse lead
identity-role-grant = Grant permission
    .description = Gives the role a permission at a width. Nobody can grant what he does not hold himself.
identity-role-revoke = Revoke permission
    .description = Takes a permission away from the role and so from everybody who has it.

identity-role_grant = Grant
    .plural = Grants
    .description = A permission of a role with its width.
    .synonyms = permissions, rights
identity-role_grant--role = Role
identity-role_grant--permission = Permission
identity-role_grant--scope = Width
identity-role_grant--scope--own = own
identity-role_grant--scope--team = team
identity-role_grant--scope--department = department
identity-role_grant--scope--company = company
identity-role_grant--scope--tenant = everything

# Companies and departments
identity-company = Company
    .plural = Companies
    .description = A legal entity of the tenant with its currency.
    .synonyms = companies, legal entity, legal entities, our company
identity-company--code = Code
identity-company--name = Name
identity-company--currency = Currency
identity-company--country = Country
identity-company--company = Company

identity-company-create = Add company
    .description = Adds a legal entity. Its currency cannot be changed later.
    .examples = Add a company Steward France with the currency EUR | Create the company Northwind Ltd in GBP
identity-company-update = Change company
    .description = Changes a company's name, code or country.
    .examples = Rename the company Steward France to Steward SAS | Change the country of Northwind Ltd to GB

identity-department = Department
    .plural = Departments
    .description = A part of a company; departments form a tree.
    .synonyms = departments, division, divisions, unit
identity-department--name = Name
identity-department--company = Company
identity-department--parent = Belongs to
    .synonyms = parent, above
identity-department--department = Department

identity-department-create = Add department
    .description = Adds a department to a company.
    .examples = Add a department Sales | Create the department Purchasing below Operations
identity-department-update = Change department
    .description = Renames a department or puts it below another one.
    .examples = Rename the department Sales to Sales Europe | Put the department Purchasing below Operations

# Sessions and keys
identity-session = Log-in
    .plural = Log-ins
    .description = A log-in of a person that lasts until it expires or is ended.
    .synonyms = sessions, session, logins
identity-session--user = User
identity-session--session = Log-in
identity-session--expires_at = Expires
identity-session--revoked_at = Ended

identity-session-revoke = End log-in
    .description = Ends the log-in at once, whatever its token still says.

identity-api_key = API key
    .plural = API keys
    .description = A program's way in, with the rights of its user. It never confirms an action.
    .synonyms = keys, token, tokens, service key
identity-api_key--name = Name
identity-api_key--user = User
identity-api_key--api_key = API key
identity-api_key--purpose = Purpose
identity-api_key--purpose--erp = ERP
identity-api_key--purpose--models = language models
identity-api_key--purpose--assistant = language models and assistant
identity-api_key--expires_at = Expires
identity-api_key--revoked_at = Ended

identity-api_key-create = Make API key
    .description = Makes a key that is shown once. Without a user it is your own.
identity-api_key-make_for_models = Make key for language models
identity-api_key-revoke = End API key
    .description = Ends the key at once.

# Reports
identity-report-access = Who may do what
    .description = Every active user with the roles and what they grant, at which width.
    .synonyms = access, rights, permissions
    .examples = Who may do what? | What may Nancy Davolio do? | Show the access rights
identity-report-access--user = User
identity-report-access--role = Role
identity-report-access--permission = Permission
identity-report-access--scope = Width
identity-report-access--scope--own = own
identity-report-access--scope--team = team
identity-report-access--scope--department = department
identity-report-access--scope--company = company
identity-report-access--scope--tenant = everything

# What the module refuses, by its stable reasons.
identity-refused--not_assigned--company = this is not one of the user's further companies
identity-refused--not_assigned--role = the user does not have this role
identity-refused--reporting_cycle = nobody can report to himself or to somebody below him
identity-refused--self = you cannot deactivate yourself
identity-refused--not_active = the user is not active
identity-refused--active = the user is active
identity-refused--department_cycle = a department cannot stand below itself
identity-refused--not_granted = the role does not have this permission
identity-refused--last_administrator = this is the last administrator, and one must remain
identity-refused--escalation--not_held = you do not hold { $permission } at the width { $scope } yourself
identity-refused--escalation--beyond_area = { $permission } at the width { $scope } would reach beyond your own area here
identity-refused--escalation--administrator_role = only an administrator may hand out or take away this role
identity-refused--escalation--administrator = only an administrator may act on an administrator
identity-refused--escalation--company = you do not work for this company yourself
identity-refused--escalation--widens = this would widen what you reach yourself
identity-refused--escalation--superiors = you cannot change whom you or your superiors report to
identity-refused--escalation--own_place = you cannot place yourself elsewhere
identity-refused--builtin_role = the role { $role } belongs to the house and cannot be changed
identity-refused--email_taken = a user with this e-mail address exists already
identity-refused--number_taken = a user with this number exists already
identity-refused--code_taken = a company with this code exists already
identity-refused--name_taken--department = the company has a department of this name already
identity-refused--name_taken--role = a role of this name exists already
