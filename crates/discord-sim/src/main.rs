//! `discord-sim`: the simulator as a server. See `--help`.
#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::ExitCode;

use discord_sim::Config;
use discord_sim::server::{Args, HELP, Parsed, Sim, serve};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const RUNNING_FAILED: u8 = 1;
const NOT_STARTED: u8 = 2;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args_os().skip(1)) {
        Ok(Parsed::Run(args)) => args,
        Ok(Parsed::Help) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => return fail(NOT_STARTED, &format!("{problem} (try --help)")),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(RUNNING_FAILED, &format!("cannot start: {error}")),
    };
    let code = runtime.block_on(run(args));
    // Reading standard input blocks a thread that nothing can wake; do not wait for it.
    runtime.shutdown_background();
    code
}

fn fail(code: u8, problem: &str) -> ExitCode {
    eprintln!("discord-sim: {problem}");
    ExitCode::from(code)
}

async fn run(args: Args) -> ExitCode {
    let listener = match TcpListener::bind((args.host, args.port)).await {
        Ok(listener) => listener,
        Err(error) => {
            return fail(
                NOT_STARTED,
                &format!(
                    "cannot listen on {}, port {}: {error}",
                    args.host, args.port
                ),
            );
        }
    };
    let url = match listener.local_addr() {
        Ok(address) => format!("http://{address}"),
        Err(error) => return fail(RUNNING_FAILED, &format!("cannot tell the port: {error}")),
    };
    let traffic = match args.traffic.as_ref().map(|path| {
        std::fs::File::options()
            .create(true)
            .append(true)
            .open(path)
    }) {
        None => None,
        Some(Ok(file)) => Some(file),
        Some(Err(error)) => {
            return fail(
                NOT_STARTED,
                &format!("cannot open the traffic log: {error}"),
            );
        }
    };
    let config = Config {
        seed: args.seed,
        base_url: url,
        latency_ms: args.latency_ms,
        message_content_intent: args.message_content_intent,
        ..Config::default()
    };
    let sim = Sim::new(config, traffic);
    let (interrupt, terminate) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
        return fail(RUNNING_FAILED, "cannot listen for signals");
    };
    let mut stdout = std::io::stdout();
    if writeln!(stdout, "{}", sim.ready_line())
        .and_then(|()| stdout.flush())
        .is_err()
    {
        return fail(RUNNING_FAILED, "cannot print the ready line");
    }
    tokio::select! {
        () = serve(sim, listener) => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = stdin_closed(), if args.exit_when_stdin_closes => {}
    }
    ExitCode::SUCCESS
}

/// Returns once nobody holds the other end of standard input any more.
async fn stdin_closed() {
    let mut stdin = tokio::io::stdin();
    let mut buffer = [0; 1_024];
    while !matches!(stdin.read(&mut buffer).await, Ok(0) | Err(_)) {}
}
