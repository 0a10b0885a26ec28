//! The rig's Kafka: one broker on the loopback interface.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rustix::process::Signal;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::exits::AllowedExit;
use crate::not_possible::{NotPossible, broker_is_down};
use crate::process::{Process, Spec, on_path};

/// Prefix of all topic names.
pub(crate) const PREFIX: &str = "fault";
/// Timeout of the start of a broker, which reads its logs again after a kill.
const START_TIMEOUT: Duration = Duration::from_secs(180);
/// Timeout of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A broker and its address.
#[derive(Debug)]
pub(crate) struct Kafka {
    pub(crate) process: Process,
    pub(crate) brokers: String,
}

impl Kafka {
    /// Prepares a broker in a directory, without starting it.
    ///
    /// # Errors
    /// When there is no Java or the folder cannot be prepared.
    pub(crate) async fn make(folder: &Path, libs: &Path, settings: &Path) -> anyhow::Result<Self> {
        let java = on_path("java").context("Kafka needs a Java runtime")?;
        let home = folder.join("kafka");
        fs::create_dir_all(&home)?;
        let port = super::free_port()?;
        let settings = fs::read_to_string(settings)
            .context("the settings of the broker cannot be read")?
            .replace("@PORT@", &port.to_string())
            .replace("@CONTROLLER_PORT@", &super::free_port()?.to_string())
            .replace("@DATA@", &home.join("data").display().to_string());
        let file = home.join("server.properties");
        fs::write(&file, settings)?;
        let cluster = URL_SAFE_NO_PAD.encode(Uuid::from_u128(u128::from(std::process::id())));
        let file = file.display().to_string();
        let format = [
            "kafka.tools.StorageTool",
            "format",
            "--config",
            &file,
            "--cluster-id",
            &cluster,
        ];
        let spec = |name: &str, memory: &str, arguments: &[&str]| Spec {
            name: name.to_owned(),
            program: java.clone(),
            arguments: jvm(libs, memory, arguments),
            folder: home.clone(),
            log: folder.join(format!("{name}.log")),
            owner: None,
            allowed_exit: AllowedExit::Any,
            stop: Signal::TERM,
            parent_death_signal: "KILL",
        };
        spec("kafka-format", "-Xmx128m", &format).run().await?;
        let process = Process::new(spec("kafka", "-Xmx512m", &["kafka.Kafka", &file]));
        Ok(Self {
            process,
            brokers: format!("127.0.0.1:{port}"),
        })
    }

    /// Waits until the broker answers.
    ///
    /// # Errors
    /// When the start timeout passes first.
    pub(crate) async fn until_it_serves(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !self.serves().await {
            anyhow::ensure!(
                begun.elapsed() < START_TIMEOUT,
                "Kafka does not serve: see kafka.log"
            );
            sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    /// Deletes a topic of events.
    ///
    /// # Errors
    /// When the broker does not answer or refuses.
    pub(crate) async fn delete_topic(&self, stream_type: &str) -> anyhow::Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client().create()?;
        let topic = topic(stream_type);
        let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
        let results = admin.delete_topics(&[&topic], &options).await?;
        for result in results {
            if let Err((topic, code)) = result {
                let why = format!("the topic `{topic}` cannot be deleted: {code}");
                anyhow::ensure!(broker_is_down(code), why);
                return Err(NotPossible::new(why).into());
            }
        }
        Ok(())
    }

    /// Settings of a client.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config.set("log_level", "0");
        config
    }

    async fn serves(&self) -> bool {
        let config = self.client();
        let asked = spawn_blocking(move || {
            let client: BaseConsumer = config.create()?;
            client
                .fetch_metadata(None, REQUEST_TIMEOUT)
                .map(|metadata| metadata.brokers().len())
        });
        matches!(asked.await, Ok(Ok(1)))
    }
}

/// The topic of a stream type's events.
pub(crate) fn topic(stream_type: &str) -> String {
    format!("{PREFIX}.{stream_type}.v1")
}

fn jvm(libs: &Path, memory: &str, arguments: &[&str]) -> Vec<String> {
    let class_path: PathBuf = libs.join("*");
    let mut all = vec![
        memory.to_owned(),
        "-XX:+UseSerialGC".to_owned(),
        "-XX:TieredStopAtLevel=1".to_owned(),
        "-Dorg.slf4j.simpleLogger.showDateTime=true".to_owned(),
        "-cp".to_owned(),
        class_path.display().to_string(),
    ];
    all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    all
}
