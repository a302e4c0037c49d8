// Package api is Headgate's HTTP API: the types of its requests and answers, and the typed client. One file per noun.
package api

// NamePattern is what the names of connections and connectors look like.
const NamePattern = `^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$`

// Warning is something that a person should know although the request succeeded.
type Warning struct {
	Summary   string `json:"summary" doc:"What to know, in one line."`
	Detail    string `json:"detail,omitempty" doc:"Why it matters, and the way out."`
	Attribute string `json:"attribute,omitempty" doc:"The field that it is about, as a JSON pointer into the request body."`
}

// WriteOptions say how a write is to be done.
type WriteOptions struct {
	// DryRun runs every check and changes nothing.
	DryRun bool
	// CreateOnly refuses to change what is there already (If-None-Match: *).
	CreateOnly bool
	// Generation refuses to change anything but this generation (If-Match). Empty: whatever is there.
	Generation string
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T `json:"items" nullable:"false" doc:"The objects, by name."`
	// Next is the cursor of the next page; empty on the last.
	Next string `json:"next,omitempty" doc:"The cursor of the next page; absent on the last."`
	// Warnings tell of what is missing from the page although it is there.
	Warnings []Warning `json:"warnings,omitempty" doc:"What is missing from this page, and why."`
}

// Version is what a daemon says of itself.
type Version struct {
	Version string `json:"version" doc:"The version of the daemon."`
	Commit  string `json:"commit,omitempty" doc:"The commit that it was built from."`
	Mode    string `json:"mode" enum:"dev,serve" doc:"How it was started."`
}
