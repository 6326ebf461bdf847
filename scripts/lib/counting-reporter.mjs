// A reporter for `node --test` that gives the counts as one line of JSON: tests, not the suites around them.
export default async function* count(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (data.details?.type === "suite") continue;
    // A test of something that is still to be done (`todo`) says nothing when it fails.
    if (isSet(data.skip) || (isSet(data.todo) && type === "test:fail")) counts.skipped += 1;
    else if (type === "test:pass") counts.passed += 1;
    else counts.failed += 1;
  }
  yield `${JSON.stringify(counts)}\n`;
}

const isSet = (mark) => mark !== undefined && mark !== false;
