package registry

import (
	"net/http"
	"net/url"
	"strings"
)

// qualified rewrites a request for /contexts/.staging/subjects/orders as one for /subjects/:.staging:orders: clients are
// given the context as a part of the registry's URL.
func qualified(req *http.Request) *http.Request {
	rest, ok := strings.CutPrefix(req.URL.EscapedPath(), "/contexts/")
	if !ok {
		return req
	}
	context, path, _ := strings.Cut(rest, "/")
	parts := strings.Split(path, "/")
	prefix := ":" + context + ":"
	query := req.URL.Query()
	switch parts[0] {
	case "subjects":
		if len(parts) == 1 {
			query.Set("subjectPrefix", prefix+query.Get("subjectPrefix"))
			break
		}
		parts[1] = prefix + parts[1]
	case "schemas":
		query.Set("subjectPrefix", prefix+query.Get("subjectPrefix"))
	case "config", "mode":
		if len(parts) == 1 {
			parts = append(parts, "")
		}
		parts[1] = prefix + parts[1]
	case "compatibility":
		if len(parts) > 2 {
			parts[2] = prefix + parts[2]
		}
	}
	other := req.Clone(req.Context())
	escaped := "/" + strings.Join(parts, "/")
	plain, err := url.PathUnescape(escaped)
	if err != nil {
		return req
	}
	other.URL.Path, other.URL.RawPath, other.URL.RawQuery = plain, escaped, query.Encode()
	return other
}
