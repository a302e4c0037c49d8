package spec

// Secrets lists the pointers of all secret fields, whether or not an object fills them. Secrets live in nested objects
// only, never in lists or maps, so the list is fixed for a kind.
func Secrets(fields []Field) []string {
	return secretsBelow(fields, "")
}

func secretsBelow(fields []Field, path string) []string {
	var found []string
	for _, f := range fields {
		at := Join(path, f.Name)
		if f.Secret {
			found = append(found, at)
		}
		if f.Type == Object {
			found = append(found, secretsBelow(f.Fields, at)...)
		}
	}
	return found
}

// TakeSecrets removes the secret values from an object and answers them by pointer.
func TakeSecrets(fields []Field, object map[string]any) map[string]string {
	taken := map[string]string{}
	for _, pointer := range Secrets(fields) {
		parent, name := walk(object, pointer)
		if parent == nil {
			continue
		}
		if value, ok := parent[name].(string); ok {
			taken[pointer] = value
		}
		delete(parent, name)
	}
	return taken
}

// PutSecrets is the reverse of TakeSecrets. A secret whose parent object is gone is left out.
func PutSecrets(object map[string]any, secrets map[string]string) {
	for pointer, value := range secrets {
		if parent, name := walk(object, pointer); parent != nil {
			parent[name] = value
		}
	}
}

// walk answers the object that holds the pointer's last step, or nil where there is none.
func walk(object map[string]any, pointer string) (parent map[string]any, name string) {
	steps := Steps(pointer)
	for _, step := range steps[:len(steps)-1] {
		next, ok := object[step].(map[string]any)
		if !ok {
			return nil, ""
		}
		object = next
	}
	return object, steps[len(steps)-1]
}
