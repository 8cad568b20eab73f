"""Tools that fail: a `Retry` says how often and after what pauses a message is tried, and what is not worth a try."""

from __future__ import annotations

import scr


def fetch(ctx: scr.Context, message: scr.Task) -> str:
    """Fetch a page from a site that is away twice.  A page without an address is never worth another try."""
    if not message.payload.input:
        raise ValueError("no address was given")
    if ctx.attempt < 3:
        raise ConnectionError("the site is away")
    return f"fetched {message.payload.input} at try {ctx.attempt}"


def main() -> None:
    """Fetch a page that comes at the third try, and one that cannot."""
    policy = scr.Retry(attempts=5, base_s=0.05, cap_s=1.0, never_on=(ValueError,))
    with scr.Runtime() as runtime:
        runtime.start_agent("fetcher", fetch, retry=policy)
        print(runtime.ask("fetcher", "https://example.org"))
        try:
            runtime.ask("fetcher", "", key="a page without an address")
        except scr.TaskFailed as error:
            print(f"{error.error_type} after {error.attempts} try: {error.error_message}")


if __name__ == "__main__":
    main()
