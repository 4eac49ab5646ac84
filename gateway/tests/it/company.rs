//! A trading company from CSV files: Northwind's own where they lie beside the checkout, and always a few rows of the
//! same shape, with the figures that must come out of each.

use crate::app::{Tenant, TestApp, User};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use steward_gateway::config::Config;
use steward_gateway::import::execute::Mode;
use steward_gateway::import::import_folder;
use steward_gateway::import::mapping::Mapping;
use steward_gateway::import::report::Report;
use steward_kernel::principal::{Door, Principal};
use steward_migrations::Placement;
use uuid::Uuid;

/// What must come out.
pub(crate) struct Figures {
    pub(crate) customers: i64,
    pub(crate) orders: i64,
    pub(crate) open_orders: i64,
    pub(crate) lines: i64,
    pub(crate) items: i64,
    pub(crate) employees: i64,
    /// By year of the order date.
    pub(crate) revenue: [(&'static str, &'static str); 3],
    /// Orders that the employee with this number sees.
    pub(crate) sees: &'static [(&'static str, i64)],
    /// The employee's number and the one of his superior.
    pub(crate) reports_to: &'static [(&'static str, &'static str)],
    pub(crate) ernst_handel: &'static str,
    pub(crate) revenue_of_1997: &'static str,
    pub(crate) top: [(&'static str, &'static str); 3],
}

pub(crate) static NORTHWIND: Figures = Figures {
    customers: 91,
    orders: 830,
    open_orders: 21,
    lines: 2155,
    items: 77,
    employees: 9,
    revenue: [("1996", "208083.97"), ("1997", "617085.20"), ("1998", "440623.87")],
    sees: &[("1", 123), ("5", 42 + 67 + 72 + 43), ("2", 830)],
    reports_to: &[("1", "2"), ("3", "2"), ("4", "2"), ("5", "2"), ("6", "5"), ("7", "5"), ("8", "2"), ("9", "5")],
    ernst_handel: "30",
    revenue_of_1997: "617,085.20",
    top: [("QUICK-Stop", "110,277.31"), ("Ernst Handel", "104,874.98"), ("Save-a-lot Markets", "104,361.95")],
};

pub(crate) static SMALL: Figures = Figures {
    customers: 4,
    orders: 7,
    open_orders: 1,
    lines: 8,
    items: 5,
    employees: 4,
    revenue: [("1996", "345.80"), ("1997", "2518.00"), ("1998", "216.00")],
    sees: &[("1", 2), ("5", 4), ("2", 7)],
    reports_to: &[("1", "2"), ("5", "2"), ("6", "5")],
    ernst_handel: "3",
    revenue_of_1997: "2,518.00",
    top: [("QUICK-Stop", "2,064.00"), ("Ernst Handel", "469.80"), ("Save-a-lot Markets", "280.00")],
};

const FILES: &[(&str, &str)] = &[
    ("categories.csv", "category_id,category_name,description\n1,Beverages,\"Soft drinks, coffees, teas\"\n4,Dairy Products,Cheeses\n"),
    (
        "customers.csv",
        "customer_id,company_name,contact_name,contact_title,address,city,region,postal_code,country,phone,fax\n\
         ERNSH,Ernst Handel,Roland Mendel,Sales Manager,Kirchgasse 6,Graz,,8010,Austria,7675-3425,7675-3426\n\
         QUICK,QUICK-Stop,Horst Kloss,Accounting Manager,Taucherstraße 10,Cunewalde,,01307,Germany,0372-035188,\n\
         SAVEA,Save-a-lot Markets,Jose Pavarotti,Sales Representative,187 Suffolk Ln.,Boise,ID,83720,USA,(208) 555-8097,\n\
         VINET,Vins et alcools Chevalier,Paul Henriot,Accounting Manager,59 rue de l'Abbaye,Reims,,51100,France,26.47.15.10,26.47.15.11\n",
    ),
    (
        "suppliers.csv",
        "supplier_id,company_name,contact_name,contact_title,address,city,region,postal_code,country,phone,fax,homepage\n\
         1,Exotic Liquids,Charlotte Cooper,Purchasing Manager,49 Gilbert St.,London,,EC1 4SD,UK,(171) 555-2222,,\n",
    ),
    ("shippers.csv", "shipper_id,company_name,phone\n1,Speedy Express,(503) 555-9831\n2,United Package,(503) 555-3199\n3,Federal Shipping,(503) 555-9931\n"),
    ("region.csv", "region_id,region_description\n1,Eastern\n"),
    ("territories.csv", "territory_id,territory_description,region_id\n01581,Westboro,1\n"),
    ("employee_territories.csv", "employee_id,territory_id\n1,01581\n"),
    (
        "products.csv",
        "product_id,product_name,supplier_id,category_id,quantity_per_unit,unit_price,units_in_stock,units_on_order,reorder_level,discontinued\n\
         1,Chai,1,1,10 boxes x 30 bags,18,39,0,10,1\n\
         2,Chang,1,1,24 - 12 oz bottles,19,17,40,25,1\n\
         11,Queso Cabrales,1,4,1 kg pkg.,21,22,30,30,0\n\
         42,Singaporean Hokkien Fried Mee,1,4,32 - 1 kg pkgs.,14,26,0,0,1\n\
         72,Mozzarella di Giovanni,1,4,24 - 200 g pkgs.,34.8,14,0,0,0\n",
    ),
    (
        "employees.csv",
        "employee_id,last_name,first_name,title,title_of_courtesy,birth_date,hire_date,address,city,region,postal_code,country,home_phone,extension,notes,reports_to\n\
         1,Davolio,Nancy,Sales Representative,Ms.,1948-12-08,1992-05-01,507 - 20th Ave. E.\\nApt. 2A,Seattle,WA,98122,USA,(206) 555-9857,5467,,2\n\
         2,Fuller,Andrew,\"Vice President, Sales\",Dr.,1952-02-19,1992-08-14,908 W. Capital Way,Tacoma,WA,98401,USA,(206) 555-9482,3457,,\n\
         5,Buchanan,Steven,Sales Manager,Mr.,1955-03-04,1993-10-17,14 Garrett Hill,London,,SW1 8JR,UK,(71) 555-4848,3453,,2\n\
         6,Suyama,Michael,Sales Representative,Mr.,1963-07-02,1993-10-17,Coventry House,London,,EC2 7JR,UK,(71) 555-7773,428,,5\n",
    ),
    (
        "orders.csv",
        "order_id,customer_id,employee_id,order_date,required_date,shipped_date,ship_via,freight,ship_name,ship_address,ship_city,ship_region,ship_postal_code,ship_country\n\
         10248,VINET,5,1996-07-04,1996-08-01,1996-07-16,3,32.38,Vins et alcools Chevalier,59 rue de l'Abbaye,Reims,,51100,France\n\
         10249,ERNSH,6,1996-12-30,1997-01-27,1997-01-10,1,11.61,Ernst Handel,Kirchgasse 6,Graz,,8010,Austria\n\
         10250,ERNSH,1,1997-02-01,1997-03-01,1997-02-05,2,65.83,Ernst Handel,Kirchgasse 6,Graz,,8010,Austria\n\
         10251,QUICK,1,1997-05-05,1997-06-02,1997-05-08,1,41.34,QUICK-Stop,Taucherstraße 10,Cunewalde,,01307,Germany\n\
         10252,SAVEA,2,1997-06-01,1997-06-29,1997-06-03,2,51.3,Save-a-lot Markets,187 Suffolk Ln.,Boise,ID,83720,USA\n\
         10253,QUICK,5,1998-01-10,1998-02-07,1998-01-12,2,58.17,QUICK-Stop,Taucherstraße 10,Cunewalde,,01307,Germany\n\
         10254,ERNSH,6,1998-04-01,1998-04-29,,2,22.98,Ernst Handel,Kirchgasse 6,Graz,,8010,Austria\n",
    ),
    (
        "order_details.csv",
        "order_id,product_id,unit_price,quantity,discount\n\
         10248,11,14,12,0\n10248,42,9.8,10,0\n10249,11,21,4,0.05\n10250,72,34.8,10,0\n10251,11,21,100,0.1\n10252,42,14,20,0\n10253,72,34.8,5,0\n10254,11,21,2,0\n",
    ),
];

/// Files and what is in them.
pub(crate) struct Files {
    pub(crate) folder: PathBuf,
    pub(crate) figures: &'static Figures,
    ours: bool,
}

impl Files {
    /// The few rows, in a folder that goes with the value.
    pub(crate) fn small() -> Self {
        let folder = std::env::temp_dir().join(format!("steward-files-{}", steward_kernel::ids::fresh().simple()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in FILES {
            std::fs::write(folder.join(name), text).unwrap();
        }
        Self { folder, figures: &SMALL, ours: true }
    }

    /// The few rows, but with so many orders of two lines each.
    pub(crate) fn many(orders: usize) -> Self {
        let files = Self::small();
        let mut heads = FILES.iter().find(|(name, _)| *name == "orders.csv").unwrap().1.lines().next().unwrap().to_owned();
        let mut lines = "order_id,product_id,unit_price,quantity,discount\n".to_owned();
        heads.push('\n');
        for n in 0..orders {
            let (customer, employee) = (["ERNSH", "QUICK", "SAVEA", "VINET"][n % 4], ["1", "2", "5", "6"][n / 4 % 4]);
            heads.push_str(&format!("K-{n},{customer},{employee},1997-05-05,1997-06-02,1997-05-08,1,41.34,Somebody,A street,A town,,01307,Germany\n"));
            lines.push_str(&format!("K-{n},11,21,{},0.1\nK-{n},72,34.8,5,0\n", n % 50 + 1));
        }
        std::fs::write(files.folder.join("orders.csv"), heads).unwrap();
        std::fs::write(files.folder.join("order_details.csv"), lines).unwrap();
        files
    }

    /// Northwind's files, where they are. `cargo xtask test` says at its end what was not checked for want of them.
    pub(crate) fn northwind() -> Option<Self> {
        let folder = data().join("northwind");
        folder.join("orders.csv").is_file().then_some(Self { folder, figures: &NORTHWIND, ours: false })
    }

    /// Another folder of data, where it is.
    pub(crate) fn shared(name: &str) -> Option<PathBuf> {
        Some(data().join(name)).filter(|folder| folder.is_dir())
    }

    /// Replaces a text in one of the few rows' files.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        assert!(self.ours, "only our own files are edited");
        let path = self.folder.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if self.ours {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// The company as a tenant.
pub(crate) struct Company {
    pub(crate) app: TestApp,
    pub(crate) tenant: Tenant,
    pub(crate) admin: User,
    pub(crate) files: Files,
}

pub(crate) fn mapping() -> Mapping {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/northwind.toml")).unwrap();
    Mapping::parse(&text).unwrap()
}

/// Data that is no part of the product: where `STEWARD_DATA` says, else beside the checkout.
fn data() -> PathBuf {
    let named = std::env::var_os("STEWARD_DATA").filter(|named| !named.is_empty());
    named.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from)
}

impl Company {
    /// A tenant without anything.
    pub(crate) async fn empty(files: Files, configure: impl FnOnce(&mut Config)) -> Self {
        let app = TestApp::configured(Vec::new(), configure).await;
        let tenant = app.tenant("northwind", Placement::Pooled).await;
        let admin = app.admin(&tenant).await;
        Self { app, tenant, admin, files }
    }

    /// With everything in, and every event delivered.
    pub(crate) async fn imported(files: Files, configure: impl FnOnce(&mut Config)) -> Self {
        let company = Self::empty(files, configure).await;
        let report = company.import(Mode::Apply).await;
        assert_eq!(report.errors.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
        company.app.drain().await;
        company
    }

    /// As the command line imports: as the system.
    pub(crate) async fn import(&self, mode: Mode) -> Report {
        let principal = Principal::system(self.tenant.id, Door::Import, "import");
        let none = BTreeMap::new();
        import_folder(&self.app.kernel, &principal, &mapping(), &none, &self.files.folder, mode, &|_| {}).await.unwrap()
    }

    /// The employee with this number, logged in.
    pub(crate) async fn employee(&self, number: &str) -> User {
        let id: Uuid = self.app.peek(&self.tenant, &format!("SELECT id FROM identity_user WHERE number = '{number}'")).await;
        let email: String = self.app.peek(&self.tenant, &format!("SELECT email FROM identity_user WHERE number = '{number}'")).await;
        self.app.log_in(&self.tenant, id, &email, Uuid::nil()).await
    }

    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.app.peek(&self.tenant, &format!("SELECT count(*) FROM {sql}")).await
    }

    pub(crate) async fn checksum(&self) -> Vec<(String, String)> {
        checksum(&self.app, &self.tenant).await
    }
}

/// A digest of every row of the tenant's business tables with its version and times, and of what was captured.
pub(crate) async fn checksum(app: &TestApp, tenant: &Tenant) -> Vec<(String, String)> {
    let tables: Vec<String> = app
        .column(
            tenant,
            "SELECT c.table_name::text FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
                  WHERE c.table_schema = current_schema() AND c.column_name = 'tenant_id' AND t.table_type = 'BASE TABLE'
                    AND c.table_name !~ '^(kernel_audit|kernel_idempotency|kernel_change_|kernel_delivery|identity_session|identity_credential|assistant_)'
                  ORDER BY 1",
        )
        .await;
    assert!(tables.len() > 20, "{tables:?}");
    let mut sums = Vec::new();
    for table in tables {
        let sum = format!("SELECT count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '') FROM {table} t");
        let sum = app.peek(tenant, &sum).await;
        sums.push((table, sum));
    }
    sums
}
