// Prints, one JSON string a line, the SQL of a folder's migrations in the order of their names.
const Module = require("module");
const fs = require("fs");
const path = require("path");

class Migration {
  statements = [];
  addSql(sql) {
    this.statements.push(String(sql));
  }
  async execute() {
    return []; // what a migration may ask of an empty database
  }
}
const anything = new Proxy(function () {}, {
  get: (_, name) => (name === "Migration" ? Migration : anything),
  apply: () => "",
});
const load = Module._load;
// a migration needs its base class only; what else it names of its framework is never called
Module._load = (name, parent, isMain) =>
  parent && !name.startsWith(".") && parent.filename !== __filename
    ? anything
    : load(name, parent, isMain);

(async () => {
  const directory = path.resolve(process.argv[2]);
  const files = fs.readdirSync(directory).filter((file) => file.endsWith(".js"));
  for (const file of files.sort()) {
    const [kind] = Object.values(require(path.join(directory, file)));
    const migration = new kind();
    await migration.up();
    for (const sql of migration.statements) console.log(JSON.stringify(sql));
  }
})();
