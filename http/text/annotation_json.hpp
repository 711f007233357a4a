#pragma once

#include <string_view>

#include "http/text/json_writer.hpp"
#include "pipelines/correct/annotation.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// A whole new annotation, without id and times of its own.
expected<annotation> read_annotation(std::string_view body);
/// The members of `body` take the place of those of `entry`; whose it is stays.
expected<annotation> changed_annotation(annotation entry, std::string_view body);
/// Whether they can be changes of any annotation: a body that cannot is refused before its annotation is looked for.
expected<void> check_annotation_changes(std::string_view body);
void write_annotation(json_writer& out, const annotation& it);

}  // namespace factory
