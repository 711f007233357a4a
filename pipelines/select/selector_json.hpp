#pragma once

#include <simdjson.h>

#include <string_view>

#include "pipelines/model/labels.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/select/selector.hpp"

namespace factory {

// `name` is the path of the value in its body. Errors are `invalid` and name the member at fault by its path, such as
// selector.labels.line.

/// {"factory_id":1, "machine_id":2, "machine_type":"press", "name":"bearing_*", "unit":"K", "labels":{"line":"3"},
/// "sensor_ids":[1,2]}: one of them at least.
expected<selector> read_selector(std::string_view name, simdjson::dom::element value);

/// Takes an object such as {"line":"3","zone":null} into labels: null takes a label away, the others stay. null instead of the object
/// takes all away.
expected<void> merge_labels(label_set& labels, std::string_view name, simdjson::dom::element value);

}  // namespace factory
