//! A server that a tool talks to: a blocking face over `mysql_async`, which sends statements as bytes (a dump is not UTF-8).

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Conn, DriverError, Error, Opts, OptsBuilder, Params, SslOpts};

/// One connection.
pub struct Target {
    runtime: tokio::runtime::Runtime,
    conn: Conn,
}

impl Target {
    /// Connects to `mysql://USER:PASSWORD@HOST:PORT[/DATABASE]`, over TLS where the server has it.
    pub fn connect(url: &str) -> Result<Target, Error> {
        let opts = Opts::from_url(url)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // The certificate that a server made for itself is taken: the tool is pointed at an address by its user.
        let tls = SslOpts::default()
            .with_danger_accept_invalid_certs(true)
            .with_danger_skip_domain_validation(true);
        let base = OptsBuilder::from_opts(opts).prefer_socket(false).max_allowed_packet(Some(1 << 30));
        let conn = match runtime.block_on(Conn::new(base.clone().ssl_opts(Some(tls)))) {
            Err(Error::Driver(DriverError::NoClientSslFlagFromServer)) => {
                runtime.block_on(Conn::new(base))?
            }
            other => other?,
        };
        Ok(Target { runtime, conn })
    }

    /// Runs one statement given as bytes; drops its rows.
    pub fn run(&mut self, statement: &[u8]) -> Result<(), Error> {
        self.runtime.block_on(self.conn.query_drop(statement))
    }

    pub fn first<T: FromRow + Send + 'static>(&mut self, statement: &str) -> Result<Option<T>, Error> {
        self.runtime.block_on(self.conn.query_first(statement))
    }

    pub fn run_with(&mut self, statement: &str, params: impl Into<Params> + Send) -> Result<(), Error> {
        let params: Params = params.into();
        self.runtime.block_on(self.conn.exec_drop(statement, params))
    }

    pub fn first_with<T: FromRow + Send + 'static>(
        &mut self,
        statement: &str,
        params: impl Into<Params> + Send,
    ) -> Result<Option<T>, Error> {
        let params: Params = params.into();
        self.runtime.block_on(self.conn.exec_first(statement, params))
    }
}
