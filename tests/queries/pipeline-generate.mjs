// Random pipelines. What stages make has the names that documents have, so that the stages after them find it.
import { Generator } from "./generate.mjs";

const FIELDS = ["a", "b", "c", "a", "b", "a.b", "a.c", "b.a", "a.b.c", "_id", "d", "a.0", "c.a.b"];
const ACCUMULATORS = ["$sum", "$avg", "$min", "$max", "$count", "$push", "$addToSet", "$first", "$last"];

export class PipelineGenerator extends Generator {
  expression(depth = 2) {
    const kind = this.below(12);
    if (kind < 7 || depth === 0) return `$${this.pick(FIELDS)}`;
    if (kind === 7) return "$$ROOT";
    if (kind === 8) return { $literal: this.value(1) };
    if (kind === 9) return this.pick([1, "text", null, true]);
    if (kind === 10) return this.list(2, () => this.expression(depth - 1));
    return Object.fromEntries(this.list(2, () => [this.pick(["a", "b", "c"]), this.expression(depth - 1)]));
  }

  accumulator() {
    const name = this.pick(ACCUMULATORS);
    if (name === "$count") return { $count: {} };
    let of = this.expression(1);
    while (Array.isArray(of)) of = this.expression(1);
    return { [name]: name === "$sum" && this.chance(0.3) ? this.pick([1, 2, -1]) : of };
  }

  group() {
    const names = this.list(3, () => this.pick(["a", "b", "c"]));
    return { _id: this.chance(0.2) ? null : this.expression(), ...Object.fromEntries(names.map((name) => [name, this.accumulator()])) };
  }

  project() {
    const plain = this.select();
    if (this.chance(0.4)) return plain;
    const computed = {};
    for (const [path, value] of Object.entries(plain)) {
      if (path === "_id" && value === 0) computed[path] = 0;
      // JavaScript has fields with numbers for names before all others.
      else if (/\d/.test(path) || this.chance(0.4)) computed[path] = 1;
      else if (path === "_id" || this.chance(0.7)) computed[path] = this.projected();
      else computed[path] = { a: this.projected(), c: 1 };
    }
    return Object.values(computed).every((value) => value === 0) ? { ...computed, a: "$b" } : computed;
  }

  /** An object would be one of fields. */
  projected() {
    const made = this.expression(1);
    if (typeof made === "number" || typeof made === "boolean") return "$b";
    const isFields = typeof made === "object" && made !== null && !Array.isArray(made) && !("$literal" in made);
    return isFields ? `$${this.pick(FIELDS)}` : made;
  }

  stage(documents) {
    switch (this.below(14)) {
      case 0:
      case 1:
        return { $match: this.where(documents, 2) };
      case 2:
      case 3:
      case 4:
        return { $group: this.group() };
      case 5:
        return { $sort: this.sort() };
      case 6:
        return this.chance(0.5) ? { $limit: 1 + this.below(8) } : { $skip: this.below(4) };
      case 7:
      case 8:
        return { $project: this.project() };
      case 9:
      case 10: {
        const path = `$${this.pick(FIELDS)}`;
        if (this.chance(0.4)) return { $unwind: path };
        const spec = { path };
        if (this.chance(0.5)) spec.includeArrayIndex = this.pick(["i", "c", "i", "b", "b.i"]);
        if (this.chance(0.6)) spec.preserveNullAndEmptyArrays = this.chance(0.8);
        return { $unwind: spec };
      }
      case 11:
      case 12:
        return { $lookup: { from: "other", localField: this.pick(FIELDS), foreignField: this.pick(FIELDS), as: this.pick(["d", "b", "d", "c", "d.e"]) } };
      default:
        return this.chance(0.3) ? { $count: this.pick(["a", "n"]) } : { $match: { [this.pick(FIELDS)]: { $exists: this.chance(0.7) } } };
    }
  }

  pipeline() {
    const docs = this.documents();
    const pipeline = Array.from({ length: 1 + this.below(4) }, () => this.stage(docs));
    // Few, since what is joined is joined again.
    return { docs, pipeline, tables: { other: this.documents().slice(0, 6) } };
  }
}
