#include "storage/support/catalog_fixture.hpp"

#include "storage/base/rocks.hpp"

#include <stdexcept>

namespace factory::test {

expected<void> commit(database& db, const std::vector<catalog_write>& writes) {
  rocksdb::WriteBatch batch;
  for (const auto& [key, value] : writes) {
    if (value) {
      batch.Put(db.raw().at(column::catalog), key, *value);
    } else {
      batch.Delete(db.raw().at(column::catalog), key);
    }
  }
  return db.raw().write(batch, false, "testing");
}

catalog_fixture::catalog_fixture() { reopen(); }

void catalog_fixture::reopen() {
  things_.reset();
  db_.reset();
  db_ = must(database::open(directory_.path(), {}));
  things_ = std::make_unique<catalog>(*db_);
  if (auto loaded = things_->load(); !loaded) throw std::runtime_error(loaded.error().message);
}

void catalog_fixture::put(catalog_change change) {
  if (auto written = commit(*db_, change.writes); !written) throw std::runtime_error(written.error().message);
  things_->apply(std::move(change));
}

void catalog_fixture::seed(std::size_t count) {
  create<factory_entry>({{.name = "Plant", .location = "Ulm"}});
  create<machine_entry>({{.factory = 1, .name = "Press", .type = "hydraulic"}});
  std::vector<sensor_entry> sensors(count);
  for (std::size_t i = 0; i < count; ++i)
    sensors[i] = {.machine = 1, .name = "s" + std::to_string(i + 1), .unit = "bar", .thresholds = {}};
  create(std::move(sensors));
}

}  // namespace factory::test
