//! A served program over a database of its own, and clients with just the grants that a test is about.

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use steward_gateway::compose::{App, modules};
use steward_gateway::config::Config;
use steward_gateway::state::AppState;
use steward_kernel::{Module, ids};
use steward_migrations::test_database::TestDatabase;
use steward_migrations::{Administrator, Contents, Created, NewTenant, create_tenant};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A running server. Call [`Self::stop`] at the end, which also shows that it stops in good order.
pub(crate) struct House {
    pub(crate) base: String,
    pub(crate) state: AppState,
    pub(crate) database: TestDatabase,
    pub(crate) contents: Contents,
    home: PathBuf,
    server: JoinHandle<anyhow::Result<()>>,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::open_with(Vec::new(), |_| {}).await
    }

    /// With further modules and another configuration.
    pub(crate) async fn open_with(more: Vec<Module>, configure: impl FnOnce(&mut Config)) -> Self {
        let all: Vec<Module> = modules().into_iter().chain(more).collect();
        let contents = Contents::of(&all);
        let database = TestDatabase::create(&contents).await.unwrap();
        let home = std::env::temp_dir().join(format!("steward-it-{}", ids::fresh().simple()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = Config::default();
        config.database.url = Some(SecretString::from(database.url()));
        config.database.connections_max = 8;
        config.server.home = Some(home.clone());
        config.server.port = address.port();
        configure(&mut config);
        let app = App::build(config, all).await.unwrap();
        let state = app.state.clone();
        #[expect(clippy::disallowed_methods, reason = "the test waits for it in `stop`")]
        let server = tokio::spawn(app.serve(listener));
        Self { base: format!("http://{address}"), state, database, contents, home, server }
    }

    /// A tenant whose administrator is `admin@{slug}.example` with [`PASSWORD`].
    pub(crate) async fn tenant(&self, slug: &str) -> Created {
        let owner = self.database.owner().await.unwrap();
        let administrator = Administrator { name: "Ada".into(), email: format!("admin@{slug}.example"), password: Some(PASSWORD.into()) };
        let created = create_tenant(&owner, &self.contents, NewTenant { administrator, ..NewTenant::new(slug, slug) }).await.unwrap();
        owner.close().await;
        created
    }

    pub(crate) async fn log_in(&self, tenant: &str, email: &str) -> Asker {
        let nobody = Asker { base: self.base.clone(), client: client(), token: None };
        let (status, body) = nobody.post("/auth/login", json!({ "tenant": tenant, "email": email, "password": PASSWORD })).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        Asker { token: body["access_token"].as_str().map(Arc::from), ..nobody }
    }

    /// The administrator of a fresh tenant.
    pub(crate) async fn administrator(&self, slug: &str) -> Asker {
        self.tenant(slug).await;
        self.log_in(slug, &format!("admin@{slug}.example")).await
    }

    pub(crate) fn nobody(&self) -> Asker {
        Asker { base: self.base.clone(), client: client(), token: None }
    }

    pub(crate) async fn stop(self) {
        let Self { state, home, server, .. } = self;
        state.stopping.cancel();
        server.await.unwrap().unwrap();
        // The index is closed first, and what its threads still tidied up is left to the system's folder.
        drop(state);
        let _ = std::fs::remove_dir_all(home);
    }
}

fn client() -> Client {
    Client::builder().timeout(Duration::from_secs(30)).redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// Somebody who sends requests.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) base: String,
    pub(crate) client: Client,
    pub(crate) token: Option<Arc<str>>,
}

impl Asker {
    /// A request below `/api/v1`.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/api/v1{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await
    }
    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(&body)).await
    }
}

/// The status and the JSON body, `null` if there is none.
pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}
