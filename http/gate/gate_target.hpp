#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace factory {

/// Percent-decodes once; `plus_is_space` for query strings. False on a bad escape or an escaped NUL.
bool percent_decode(std::string_view text, bool plus_is_space, std::string& decoded);

/// Splits a request target in origin form ("/a%20b?x=1"), absolute form ("http://host/a") or "*" into a decoded path and query.
/// False when it is none of these, has a fragment, or an escape is bad.
bool split_target(std::string_view target, std::string& path, std::vector<std::pair<std::string, std::string>>& query);

}  // namespace factory
