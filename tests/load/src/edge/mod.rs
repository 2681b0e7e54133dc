//! What a filter costs in the real Envoy, and in nginx: CPU time of the one worker, for each request.
//!
//! One Envoy has a listener for each chain of filters, so that all chains share the worker, its
//! caches and the noise of the machine. In each round every row has its turn. Behind the filters
//! is no upstream: the route answers (`direct_response`), which leaves the filters to be seen.

pub(crate) mod chain;
mod client;
mod envoy;
mod instructions;
mod nginx;
mod report;
pub(crate) mod requests;
mod row;

use std::io::{IsTerminal as _, Write as _, stdout};

use client::Client;
use envoy::Proxy;
use requests::Requests;
use row::Row;

use crate::rounds::Rounds;

/// What the filters cost in Envoy, or in nginx: CPU microseconds a request on its worker.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask bench edge
  cargo xtask bench edge --rounds 5 --only endpoint --only noop
  cargo xtask bench edge --proxy nginx
  cargo xtask bench edge --list")]
pub(crate) struct Arguments {
    /// Envoy or nginx.
    #[arg(long, default_value = "envoy", value_parser = ["envoy", "nginx"])]
    proxy: String,
    /// Rounds; in each, every row has its turn.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Requests of a row in a round.
    #[arg(long, default_value_t = 1_000)]
    requests: usize,
    /// Only rows with this in their name, and those that they are compared with; may be repeated.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Print the rows and do nothing.
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    if arguments.rounds == 0 || arguments.requests == 0 {
        return Err("--rounds and --requests: 1 at least".into());
    }
    let in_nginx = arguments.proxy == "nginx";
    let rows = row::wanted(in_nginx, &arguments.only);
    if rows.is_empty() {
        return Err(format!("no row is called like {:?}: see --list", arguments.only));
    }
    if arguments.list {
        rows.iter().for_each(|row| println!("{}", row.name));
        return Ok(());
    }
    progress("starting the proxy");
    let chains = chain::needed(&rows);
    let proxy = if in_nginx { Proxy::nginx(&chains)? } else { Proxy::envoy(&chains)? };
    let mut requests = Requests::new(arguments.requests);
    for row in &rows {
        progress(&format!("warming up: {}", row.name));
        proxy.wait_until_ready(row, &mut requests)?;
        turn(row, &proxy, &mut requests)?;
    }
    let mut results = vec![Measured::default(); rows.len()];
    for round in 1..=arguments.rounds {
        if !stdout().is_terminal() {
            println!("round {round} of {}", arguments.rounds);
        }
        for (row, measured) in rows.iter().zip(&mut results) {
            progress(&format!("round {round} of {}: {}", arguments.rounds, row.name));
            let (time, instructions) = turn(row, &proxy, &mut requests)?;
            measured.time.0.push(time);
            measured.instructions.0.extend(instructions);
        }
    }
    progress("");
    println!(
        "\rCPU microseconds a request on the worker of {}, and its instructions outside of the kernel;",
        arguments.proxy
    );
    println!("{} rounds of {} requests to each row, in turns", arguments.rounds, arguments.requests);
    if in_nginx {
        report::over_stock(&rows, &results);
    } else {
        report::print(&rows, &results);
    }
    Ok(())
}

/// All turns of a row.
#[derive(Clone, Default)]
struct Measured {
    /// CPU microseconds a request.
    time: Rounds,
    /// Instructions a request; empty where they can't be counted.
    instructions: Rounds,
}

/// One turn of a row: CPU microseconds and instructions a request.
fn turn(row: &Row, proxy: &Proxy, requests: &mut Requests) -> Result<(f64, Option<f64>), String> {
    let batch = requests.batch(row.request);
    let port = proxy.port(row.chain);
    let failed = |problem: String| format!("{}: {problem}\n{}", row.name, proxy.last_lines());
    let mut client = Client::connect(port).map_err(failed)?;
    // The connections are made, and the first request of each is through.
    let (first, rest) = batch.split_at(client::CONNECTIONS.min(batch.len()));
    client.send_all(first, 200).map_err(failed)?;
    let (before, executed) = (proxy.worker_time()?, proxy.worker_instructions());
    client.send_all(rest, 200).map_err(failed)?;
    let used = proxy.worker_time()?.saturating_sub(before);
    let executed = executed.zip(proxy.worker_instructions()).map(|(before, now)| now.saturating_sub(before));
    let each = |all: u64| all as f64 / rest.len() as f64;
    Ok((each(used) / 1e3, executed.map(each)))
}

/// The line that is being worked on, in place of the one before.
fn progress(text: &str) {
    if stdout().is_terminal() {
        print!("\r{text:<78}");
        let _ = stdout().flush();
    }
}
