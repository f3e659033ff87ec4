#pragma once
#include "chart.hpp"

/// Building blocks of the report page: style sheet, tables, sections.
namespace report {
using namespace octet;

inline const char* report_style() {
  return R"css(
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--text:#1b2430;--soft:#5c6878;--line:#e1e5ea;--track:#edf0f4;--v0:#8a96a8;--v1:#e0a030;--v2:#3b9c8f;--v3:#3f6fd8;--v4:#a45bc4;--v5:#c4577a;--good:#3b9c6b;--fair:#d99a2b;--poor:#cf4b4b;--warn:#fff6e3;--warn-line:#e9c46a}
@media(prefers-color-scheme:dark){:root{--page:#12161c;--card:#1b2129;--text:#e6eaf0;--soft:#98a4b3;--line:#2c3540;--track:#28303a;--v0:#8592a5;--v1:#e3ac4c;--v2:#4bb3a5;--v3:#6a93f0;--v4:#bd84d8;--v5:#dd7f9d;--good:#4db583;--fair:#e0a94a;--poor:#e06a6a;--warn:#2b2516;--warn-line:#7a6228}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1100px;margin:0 auto;padding:32px 20px 48px}
h1{font-size:28px;line-height:1.2;margin:0 0 6px;overflow-wrap:anywhere}
h2{font-size:17px;margin:0 0 14px}
p{margin:0 0 10px}
.soft{color:var(--soft)}
.facts{display:flex;flex-wrap:wrap;gap:4px 20px;color:var(--soft);margin:0 0 22px;padding:0;list-style:none;overflow-wrap:anywhere}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px;margin:0 0 18px}
.warn{background:var(--warn);border-color:var(--warn-line);overflow-wrap:anywhere}
.warn p::first-letter,footer p::first-letter{text-transform:uppercase}
.warn p:last-child,.card>p:last-child{margin-bottom:0}
.keys{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:14px;margin:0 0 18px}
.key{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 18px}
.key b{display:block;font-size:25px;line-height:1.25;font-weight:650}
.key span{color:var(--soft);font-size:13.5px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(290px,1fr));gap:18px;margin:0 0 18px}
.charts .card{margin:0}
.scroll{overflow-x:auto;margin:0 -20px;padding:0 20px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:8px 0 8px 18px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left;padding-left:0}
tr:last-child td{border-bottom:0}
.fit th:not(:first-child){width:16%}
thead th{font-size:13.5px;color:var(--soft);font-weight:600;vertical-align:bottom}
.chart{display:block;overflow:visible}
.label{font-size:13.5px;fill:var(--text)}
.value{font-size:13.5px;fill:var(--text);font-weight:600;font-variant-numeric:tabular-nums}
.track{fill:var(--track)}
.v0{fill:var(--v0)}.v1{fill:var(--v1)}.v2{fill:var(--v2)}.v3,.bar{fill:var(--v3)}.v4{fill:var(--v4)}.v5{fill:var(--v5)}
.curve line{stroke-width:2;stroke-linecap:round}.curve.faint line{opacity:.45;stroke-width:1.5}
.v0 line{stroke:var(--v0)}.v1 line{stroke:var(--v1)}.v2 line{stroke:var(--v2)}.v3 line{stroke:var(--v3)}.v4 line{stroke:var(--v4)}.v5 line{stroke:var(--v5)}
.good{fill:var(--good)}.fair{fill:var(--fair)}.poor{fill:var(--poor)}
.depth{position:relative;padding-left:46px}
.depth span{position:absolute;left:0;width:40px;text-align:right;transform:translateY(-50%);color:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}
.ends{display:flex;justify-content:space-between;gap:16px;padding-left:46px;color:var(--soft);font-size:12px;margin:0 0 16px}
.ends span{overflow-wrap:anywhere}
.ends span:last-child{text-align:right}
.grid{stroke:var(--line)}.foot{stroke:var(--soft)}.mark{fill:var(--text)}
.swatch{display:inline-block;width:10px;height:10px;border-radius:2px;margin:0 5px 0 0}
.swatch.dot{background:var(--text);width:7px;height:7px;border-radius:50%}
.swatch.v0{background:var(--v0)}.swatch.v1{background:var(--v1)}.swatch.v2{background:var(--v2)}.swatch.v3{background:var(--v3)}.swatch.v4{background:var(--v4)}.swatch.v5{background:var(--v5)}
.swatch.good{background:var(--good)}.swatch.fair{background:var(--fair)}.swatch.poor{background:var(--poor)}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;color:var(--soft);font-size:13.5px;margin:0 0 12px}
details{margin-top:14px}
summary{cursor:pointer;color:var(--soft)}
details table{margin-top:10px;font-size:13.5px}
footer{color:var(--soft);font-size:13.5px}
footer p{overflow-wrap:anywhere}
@media(max-width:640px){main{padding:22px 14px 36px}h1{font-size:20px}.card{padding:16px}.scroll{margin:0 -16px;padding:0 16px}.keys{grid-template-columns:1fr 1fr;gap:10px}.key{padding:12px 14px}.key b{font-size:21px}table{font-size:13.5px}th,td{padding-left:14px}.wide td:first-child{max-width:150px;overflow:hidden;text-overflow:ellipsis}.fit th,.fit td:first-child{white-space:normal}.fit{font-size:12.5px}.fit th,.fit td{padding-left:8px}.fit th:first-child,.fit td:first-child{padding-left:0}.fit thead th{font-size:12px}}
)css";
}

inline std::string html_table(const std::vector<std::vector<std::string>>& rows, const std::string& style = "") {
  std::string html = "<div class=\"scroll\"><table class=\"" + style + "\">\n";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const std::string cell = r == 0 ? "th" : "td";
    html += r == 0 ? "<thead><tr>" : "<tr>";
    for (const std::string& text : rows[r]) html += "<" + cell + ">" + escaped(text) + "</" + cell + ">";
    html += r == 0 ? "</tr></thead>\n<tbody>\n" : "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

inline std::string card(const std::string& heading, const std::string& body) {
  return "<section class=\"card\"><h2>" + escaped(heading) + "</h2>\n" + body + "</section>\n";
}

/// The CSS class with the color of a variant.
inline std::string variant_style(const ComparisonResult& r, const std::string& name) {
  const VariantResult* v = r.find(name);
  return "v" + std::to_string(v ? (v - r.variants.data()) % 6 : 0);
}

/// A self-contained page for desktops and phones, light and dark.
inline std::string page(const std::string& title, const std::string& body) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         escaped(title) + " - octet</title>\n<style>" + report_style() + "</style>\n</head>\n<body>\n<main>\n" + body +
         "</main>\n</body>\n</html>\n";
}

}  // namespace report
