//! `steward tenant`: creates and lists tenants.

use super::Modules;
use crate::config::Config;
use anyhow::{Context, Result, bail};
use clap::{Subcommand, ValueEnum};
use secrecy::ExposeSecret;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use steward_kernel::database::Database;
use steward_kernel::tenant::Tenants;
use steward_migrations::{Administrator, Company, Contents, NewTenant, Owner};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Create a tenant with its first company and its administrator.
    Create(Box<Create>),
    /// List the tenants.
    List,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Placement {
    /// With others in the shared schema.
    Pooled,
    /// In a schema of its own.
    Schema,
}

#[derive(clap::Args)]
pub(super) struct Create {
    /// The name in log-ins and addresses: small letters, digits and hyphens.
    slug: String,
    /// The name as people write it; the slug unless given.
    #[arg(long)]
    name: Option<String>,
    #[arg(long, value_enum, default_value = "pooled")]
    placement: Placement,
    #[arg(long, default_value = "standard")]
    plan: String,
    #[arg(long, default_value = "UTC")]
    time_zone: String,
    #[arg(long, default_value = "en")]
    language: String,
    /// The first company; the tenant's name unless given.
    #[arg(long)]
    company: Option<String>,
    /// The first company's currency.
    #[arg(long, default_value = "EUR")]
    currency: String,
    /// The first company's country, in two letters.
    #[arg(long, default_value = "")]
    country: String,
    /// The e-mail address of the first administrator.
    #[arg(long)]
    admin_email: String,
    /// The name of the first administrator.
    #[arg(long, default_value = "Administrator")]
    admin_name: String,
    /// A file with the first administrator's password; asked for on standard input unless given.
    #[arg(long, value_name = "FILE")]
    admin_password_file: Option<PathBuf>,
}

pub(super) async fn run(command: Command, config: Config, modules: Modules) -> Result<()> {
    let url = config.database.url.as_ref().context("database.url is not set")?.expose_secret();
    match command {
        Command::Create(new) => {
            super::migrate::at_start(&config, modules).await?;
            create(*new, url, modules).await
        }
        Command::List => list(&config, url).await,
    }
}

async fn create(new: Create, url: &str, modules: Modules) -> Result<()> {
    let password = password(new.admin_password_file.as_deref())?;
    let name = new.name.unwrap_or_else(|| new.slug.clone());
    let company = new.company.unwrap_or_else(|| name.clone());
    let wanted = NewTenant {
        placement: match new.placement {
            Placement::Pooled => steward_migrations::Placement::Pooled,
            Placement::Schema => steward_migrations::Placement::Schema,
        },
        plan: new.plan,
        language: new.language,
        time_zone: new.time_zone,
        company: Company { code: "1".into(), name: company, currency: new.currency, country: new.country },
        administrator: Administrator { name: new.admin_name, email: new.admin_email, password: Some(password) },
        ..NewTenant::new(&new.slug, &name)
    };
    let owner = Owner::connect(url).await?;
    let created = steward_migrations::create_tenant(&owner, &Contents::of(&modules()), wanted).await;
    owner.close().await;
    let created = created.context("the tenant could not be created")?;
    println!("{}  {}", created.tenant, new.slug);
    Ok(())
}

/// From the file, else the first line of standard input: never an argument, which every user of the machine could read.
fn password(file: Option<&Path>) -> Result<String> {
    let text = match file {
        Some(file) => std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?,
        None => {
            if std::io::stdin().is_terminal() {
                eprint!("Password of the administrator: ");
            }
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).context("the password cannot be read")?;
            line
        }
    };
    let password = text.lines().next().unwrap_or_default();
    if password.is_empty() {
        bail!("the administrator needs a password");
    }
    Ok(password.to_owned())
}

async fn list(config: &Config, url: &str) -> Result<()> {
    let database = Database::new(&config.database.settings(url))?;
    let tenants = Tenants::new(database.clone()).all().await;
    database.close().await;
    for tenant in tenants? {
        println!("{}  {:<24} {:<16} {}", tenant.tenant, tenant.slug, tenant.schema, tenant.name);
    }
    Ok(())
}
