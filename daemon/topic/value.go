package topic

import (
	"strconv"
	"strings"
)

// sameValue says whether two values of a config mean the same. A broker answers what it made of a value: numbers without
// leading zeros, lists without spaces.
func sameValue(a, b string) bool { return plain(a) == plain(b) }

func plain(value string) string {
	items := strings.Split(value, ",")
	for i, item := range items {
		items[i] = plainItem(strings.TrimSpace(item))
	}
	return strings.Join(items, ",")
}

func plainItem(item string) string {
	if n, err := strconv.ParseInt(item, 10, 64); err == nil {
		return strconv.FormatInt(n, 10)
	}
	if strings.EqualFold(item, "true") || strings.EqualFold(item, "false") {
		return strings.ToLower(item)
	}
	if f, err := strconv.ParseFloat(item, 64); err == nil && strings.Contains(item, ".") {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return item
}
